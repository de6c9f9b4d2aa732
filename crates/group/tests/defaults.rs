//! PROTOCOL.md and `Policy` have the same defaults.
#![expect(clippy::unwrap_used, reason = "tests")]

use core::time::Duration;
use std::collections::BTreeMap;

use sealframe_group::{OnMismatch, Policy};

#[test]
fn the_protocol_names_the_defaults_of_the_policy() {
    let text = include_str!("../PROTOCOL.md");
    let (_, section) = text.split_once("\n## 8. Defaults\n").unwrap();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        Some((cells.next()?.trim_end_matches('`'), cells.next()?.to_owned()))
    });
    let named: BTreeMap<&str, String> = rows.collect();

    // Without `..`: a new field needs a row.
    let Policy {
        coalesce_joins,
        coalesce_leaves,
        switch_after,
        max_leave_delay,
        timed_rekey,
        rekey_budget,
        heartbeat,
        missed_heartbeats_until_lost,
        prekey_life,
        mismatch_after,
        on_mismatch,
        max_members,
    } = Policy::default();
    let mismatch = if on_mismatch == OnMismatch::Report { "report" } else { "withhold" };
    let used = BTreeMap::from([
        ("coalesce_joins", spell(coalesce_joins)),
        ("coalesce_leaves", spell(coalesce_leaves)),
        ("switch_after", spell(switch_after)),
        ("max_leave_delay", spell(max_leave_delay)),
        ("timed_rekey", spell(timed_rekey)),
        ("rekey_budget", spell(rekey_budget)),
        ("heartbeat", spell(heartbeat)),
        ("missed_heartbeats_until_lost", missed_heartbeats_until_lost.to_string()),
        ("prekey_life", spell(prekey_life)),
        ("mismatch_after", spell(mismatch_after)),
        ("on_mismatch", mismatch.to_owned()),
        ("max_members", max_members.to_string()),
    ]);
    assert_eq!(named, used);
}

fn spell(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        return format!("{} s", time.as_secs());
    }
    format!("{} ms", time.as_millis())
}
