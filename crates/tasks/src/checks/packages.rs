//! What a registry shows of each published package is there and true: a README with every feature,
//! an address for the repository and the documentation, licences; and nothing unpublished is
//! linked.

use std::collections::BTreeMap;

use anyhow::Result;

use super::{finding::Finding, report, tree::Tree};
use crate::{
    metadata::{self, Package},
    paths::root,
    shell::Shell,
};

/// The check, and then the packages themselves, made but neither compiled nor uploaded.
pub(crate) fn step(shell: &Shell) -> Result<()> {
    let packages = metadata::packages(shell)?;
    report::finish(shell, "packages", &find(&Tree::read(&root())?, &packages))?;
    // What the lock file names is there then, and the registry's index is not asked for more.
    shell.run(shell.cargo().args(["fetch", "--locked"]))?;
    let mut package = shell.cargo();
    package.args(["package", "--offline", "--no-verify", "--allow-dirty"]);
    for published in packages.iter().filter(|package| package.is_published) {
        package.args(["-p", &published.name]);
    }
    shell.run(&mut package)
}

fn find(tree: &Tree, packages: &[Package]) -> Vec<Finding> {
    let published: BTreeMap<&str, bool> =
        packages.iter().map(|package| (package.name.as_str(), package.is_published)).collect();
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.is_published) {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let mut say = |what: String| findings.push(Finding::new(&manifest, 1, what));
        for (name, is_there) in [
            ("description", package.has_description),
            ("repository", package.has_repository),
            ("documentation", package.has_documentation),
        ] {
            if !is_there {
                say(format!("no {name}"));
            }
        }
        for dependency in &package.dependencies {
            if published.get(dependency.name.as_str()) == Some(&false) {
                say(format!("links {}, which is not published", dependency.name));
            }
        }
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            if !tree.has(&format!("{}/{licence}", package.folder)) {
                say(format!("no {licence} beside it"));
            }
        }
        let readme = format!("{}/README.md", package.folder);
        let Some(file) = tree.get(&readme) else {
            say("no README.md beside it".to_owned());
            continue;
        };
        let mut expected: Vec<String> =
            package.features.iter().map(|name| row(package, name)).collect();
        expected.sort();
        let mut shown: Vec<String> = file.text.lines().filter_map(feature_of).collect();
        shown.sort();
        if shown != expected {
            let what = format!(
                "features are [{}] here, [{}] in the manifest",
                shown.join(", "),
                expected.join(", ")
            );
            findings.push(Finding::new(&readme, 1, what));
        }
    }
    findings
}

fn row(package: &Package, feature: &str) -> String {
    let is_default = package.defaults.iter().any(|name| name == feature);
    format!("{feature}: {}", if is_default { "yes" } else { "no" })
}

/// A row ``| `feature` | what it adds | yes |`` of a README.
fn feature_of(line: &str) -> Option<String> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ").collect();
    let [name, _, default] = cells[..] else { return None };
    Some(format!("{}: {default}", name.strip_suffix('`')?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Dependency;

    fn package(name: &str, is_published: bool) -> Package {
        Package {
            name: name.to_owned(),
            folder: name.to_owned(),
            is_published,
            features: vec!["fast".to_owned(), "small".to_owned()],
            defaults: vec!["fast".to_owned()],
            has_description: true,
            has_repository: true,
            has_documentation: true,
            dependencies: vec![],
        }
    }

    #[test]
    fn what_a_registry_would_miss_is_found() {
        let readme = "# a\n| feature | what it adds | default |\n| `fast` | speed | yes |\n| `small` | x | no |\n";
        let licences = [("a/LICENSE-MIT", ""), ("a/LICENSE-APACHE", "")];
        let tree = |readme| Tree::of_texts(&[("a/README.md", readme), licences[0], licences[1]]);
        let found = |tree: &Tree, a: Package| -> Vec<String> {
            find(tree, &[a, package("b", false)]).into_iter().map(|finding| finding.what).collect()
        };
        assert_eq!(found(&tree(readme), package("a", true)), [""; 0]);
        let changed = readme.replace("| no |", "| yes |");
        assert_eq!(
            found(&tree(&changed), package("a", true)),
            ["features are [fast: yes, small: yes] here, [fast: yes, small: no] in the manifest"]
        );
        let on_b = Dependency { name: "b".to_owned(), is_optional: true };
        let mut bad = package("a", true);
        bad.dependencies.push(on_b);
        bad.has_repository = false;
        assert_eq!(
            found(&Tree::of_texts(&[licences[0]]), bad),
            [
                "no repository",
                "links b, which is not published",
                "no LICENSE-APACHE beside it",
                "no README.md beside it"
            ]
        );
    }
}
