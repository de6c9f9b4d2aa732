//! The packages of the workspace, as their manifests describe them. Nothing is resolved or fetched.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{paths::root, shell::Shell};

pub(crate) struct Package {
    pub(crate) name: String,
    /// From the workspace's folder, with slashes.
    pub(crate) folder: String,
    pub(crate) is_published: bool,
    /// Without `default`.
    pub(crate) features: Vec<String>,
    /// The features that are on unless an application says otherwise.
    pub(crate) defaults: Vec<String>,
    pub(crate) has_description: bool,
    pub(crate) has_repository: bool,
    pub(crate) has_documentation: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

/// What a package links, whatever the platform; not what only its tests need.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only with a feature.
    pub(crate) is_optional: bool,
}

/// # Errors
///
/// If cargo cannot read a manifest.
pub(crate) fn packages(shell: &Shell) -> Result<Vec<Package>> {
    let metadata = ["metadata", "--offline", "--no-deps", "--format-version", "1"];
    let metadata = shell.output(shell.cargo().args(metadata))?;
    let metadata: Value = serde_json::from_slice(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists packages")?;
    packages.iter().map(package).collect()
}

fn package(package: &Value) -> Result<Package> {
    let text = |value: &Value| value.as_str().map(str::to_owned).context("cargo metadata gives texts");
    let manifest = text(&package["manifest_path"])?;
    let folder = Path::new(&manifest).parent().context("a manifest lies in a folder")?;
    let folder = folder.strip_prefix(root()).context("a package lies in the workspace")?;
    let dependencies = package["dependencies"].as_array().context("a package has dependencies")?;
    let linked = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    let dependency = |dependency: &Value| -> Result<Dependency> {
        let is_optional = dependency["optional"] == true;
        Ok(Dependency { name: text(&dependency["name"])?, is_optional })
    };
    let features = package["features"].as_object().context("a package has features")?;
    let defaults = features.get("default").and_then(Value::as_array).into_iter().flatten();
    Ok(Package {
        name: text(&package["name"])?,
        folder: folder.to_string_lossy().replace('\\', "/"),
        // `publish = false` is an empty list of registries there.
        is_published: !package["publish"].as_array().is_some_and(Vec::is_empty),
        features: features.keys().filter(|name| *name != "default").cloned().collect(),
        defaults: defaults.filter_map(Value::as_str).map(str::to_owned).collect(),
        has_description: package["description"].is_string(),
        has_repository: package["repository"].is_string(),
        has_documentation: package["documentation"].is_string(),
        dependencies: linked.map(dependency).collect::<Result<_>>()?,
    })
}
