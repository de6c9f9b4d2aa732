//! Sorted vectors and a map made of one, for at most a few thousand entries. In a browser module
//! each instance of the standard library's sort takes 1 kB after gzip, and each of its maps 2 kB.

use alloc::vec::Vec;
use core::{borrow::Borrow, cmp::Ordering, mem, ops::RangeInclusive};

/// Sorts items in ascending order. The sort is stable.
pub(crate) fn sorted_by<T>(
    items: impl IntoIterator<Item = T>,
    compare: impl Fn(&T, &T) -> Ordering,
) -> Vec<T> {
    let mut sorted = Vec::new();
    for item in items {
        let at = sorted.partition_point(|other| compare(other, &item).is_le());
        sorted.insert(at, item);
    }
    sorted
}

/// A map in one sorted vector.
///
/// Inserting or removing an entry moves all later ones, so values that are secret or large are
/// boxed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SortedMap<K, V> {
    entries: Vec<(K, V)>,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> SortedMap<K, V> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    pub(crate) const fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// All entries by ascending key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.entries.iter_mut().map(|(key, value)| (&*key, value))
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.iter().map(|(key, _)| key)
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.iter().map(|(_, value)| value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    pub(crate) fn retain(&mut self, mut stays: impl FnMut(&K, &mut V) -> bool) {
        self.entries.retain_mut(|(key, value)| stays(key, value));
    }

    pub(crate) fn last_key(&self) -> Option<&K> {
        self.entries.last().map(|(key, _)| key)
    }
}

impl<K: Ord, V> SortedMap<K, V> {
    fn find<Q: Ord + ?Sized>(&self, wanted: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.entries.binary_search_by(|(key, _)| key.borrow().cmp(wanted))
    }

    pub(crate) fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().and_then(|at| self.entries.get(at)).map(|(_, value)| value)
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().and_then(|at| self.entries.get_mut(at)).map(|(_, value)| value)
    }

    pub(crate) fn range(&self, keys: RangeInclusive<K>) -> impl Iterator<Item = (&K, &V)> {
        let from = self.find(keys.start()).unwrap_or_else(|at| at);
        let rest = self.entries.get(from..).unwrap_or_default();
        rest.iter().take_while(move |(key, _)| key <= keys.end()).map(|(key, value)| (key, value))
    }

    /// Inserts an entry. Returns the value that the key had before.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => self.entries.get_mut(at).map(|(_, old)| mem::replace(old, value)),
            Err(at) => {
                self.entries.insert(at, (key, value));
                None
            }
        }
    }

    pub(crate) fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = self.find(&key).unwrap_or_else(|at| {
            self.entries.insert(at, (key, V::default()));
            at
        });
        &mut self.entries[at].1
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok().map(|at| self.entries.remove(at).1)
    }
}

/// Collects entries; of those with one key, the last counts.
impl<K: Ord, V> FromIterator<(K, V)> for SortedMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, vec::Vec};

    use proptest::prelude::*;

    use super::{SortedMap, sorted_by};

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u16),
        Remove(u8),
        Add(u8, u16),
        AddToDefault(u8, u16),
        RetainBelow(u16),
        Clear,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            10 => (0..20_u8, any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
            5 => (0..20_u8).prop_map(Step::Remove),
            5 => (0..20_u8, any::<u16>()).prop_map(|(key, value)| Step::Add(key, value)),
            5 => (0..20_u8, any::<u16>()).prop_map(|(key, value)| Step::AddToDefault(key, value)),
            1 => any::<u16>().prop_map(Step::RetainBelow),
            1 => Just(Step::Clear),
        ]
    }

    proptest! {
        #[test]
        fn items_are_sorted(items in prop::collection::vec(any::<(u8, u16)>(), 0..100)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            prop_assert_eq!(sorted_by(items, |a, b| a.0.cmp(&b.0)), expected);
        }

        #[test]
        fn it_is_a_map(steps in prop::collection::vec(step(), 0..60)) {
            let (mut map, mut model) = (SortedMap::new(), BTreeMap::new());
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        prop_assert_eq!(map.insert(key, value), model.insert(key, value));
                    }
                    Step::Remove(key) => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                    Step::Add(key, value) => {
                        let [ours, theirs] = [map.get_mut(&key), model.get_mut(&key)].map(|of| {
                            of.map(|of: &mut u16| {
                                *of = of.wrapping_add(value);
                                *of
                            })
                        });
                        prop_assert_eq!(ours, theirs);
                    }
                    Step::AddToDefault(key, value) => {
                        let (ours, theirs) = (map.get_or_default(key), model.entry(key).or_default());
                        *ours = ours.wrapping_add(value);
                        *theirs = theirs.wrapping_add(value);
                    }
                    Step::RetainBelow(most) => {
                        map.retain(|_, value| *value < most);
                        model.retain(|_, value| *value < most);
                    }
                    Step::Clear => {
                        map.clear();
                        model.clear();
                    }
                }
                prop_assert!(map.iter().eq(model.iter()));
                prop_assert!(map.keys().eq(model.keys()) && map.values().eq(model.values()));
                prop_assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
                prop_assert_eq!(map.last_key(), model.keys().next_back());
                for key in 0..20 {
                    prop_assert_eq!(map.get(&key), model.get(&key));
                    prop_assert!(map.range(3..=key).eq(model.range(3.min(key)..=key).filter(|_| key >= 3)));
                    prop_assert_eq!(map.contains_key(&key), model.contains_key(&key));
                }
                map.values_mut().for_each(|value| *value ^= 1);
                model.values_mut().for_each(|value| *value ^= 1);
                prop_assert!(map.iter_mut().eq(model.iter_mut()));
            }
            // Of entries with one key, the last counts.
            let entries: Vec<_> = map.iter().map(|(key, value)| (key / 2, *value)).collect();
            let (ours, theirs): (SortedMap<_, _>, BTreeMap<_, _>) =
                (entries.iter().copied().collect(), entries.iter().copied().collect());
            prop_assert!(ours.iter().eq(theirs.iter()));
        }
    }
}
