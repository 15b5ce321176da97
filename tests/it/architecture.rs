//! The house keeps its own rules: which module uses which, where SQL stands, how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module, and the modules it may name, from the bottom up. A new arrow is an edit here and in `docs/architecture.md`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("fault", &[]),
    ("domain", &[]),
    ("clock", &["domain"]),
    ("arguments", &[]),
    ("signature", &["domain"]),
    ("config", &["domain", "clock", "signature"]),
    ("egress", &["fault", "domain"]),
    ("store", &["fault", "domain", "clock"]),
    ("mime", &["domain"]),
    ("blob", &["clock"]),
    ("provider", &["domain", "clock", "signature", "mime", "blob"]),
    ("carrier", &["domain", "clock", "provider"]),
    ("messaging", &["fault", "domain", "clock", "store", "blob"]),
    ("auth", &["fault", "domain", "clock", "store", "messaging"]),
    ("webhook", &["fault", "domain", "clock", "signature", "egress", "store", "provider", "messaging"]),
    ("live", &["fault", "domain", "clock", "store", "auth"]),
    ("outbox", &["fault", "domain", "clock", "egress", "store", "provider", "messaging", "webhook"]),
    (
        "http",
        &[
            "fault",
            "domain",
            "clock",
            "signature",
            "config",
            "egress",
            "store",
            "mime",
            "provider",
            "blob",
            "messaging",
            "auth",
            "webhook",
            "live",
        ],
    ),
    (
        "app",
        &[
            "fault",
            "domain",
            "clock",
            "arguments",
            "signature",
            "config",
            "egress",
            "store",
            "provider",
            "carrier",
            "blob",
            "messaging",
            "auth",
            "webhook",
            "outbox",
            "live",
            "http",
        ],
    ),
];

/// Lines of one file at most.
const MOST_LINES: usize = 500;

#[test]
fn modules_use_only_what_the_table_allows() {
    let mut violations = BTreeSet::new();
    for (module, allowed) in MAY_USE {
        for (file, code) in sources_of(module) {
            for name in named_in(&code) {
                if name != *module && !allowed.contains(&name.as_str()) {
                    violations.insert(format!("{module} -> {name} in {}", file.display()));
                }
            }
        }
    }
    assert!(violations.is_empty(), "forbidden: {violations:#?}");
}

#[test]
fn every_arrow_of_the_table_is_there() {
    let mut idle = Vec::new();
    for (module, allowed) in MAY_USE {
        let used: BTreeSet<String> = sources_of(module).iter().flat_map(|(_, code)| named_in(code)).collect();
        idle.extend(allowed.iter().filter(|name| !used.contains(**name)).map(|name| format!("{module} -> {name}")));
    }
    assert!(idle.is_empty(), "in the table and not in the code: {idle:?}");
}

#[test]
fn arrows_go_down() {
    for (at, (module, allowed)) in MAY_USE.iter().enumerate() {
        let below: BTreeSet<&str> = MAY_USE[..at].iter().map(|(name, _)| *name).collect();
        let up: Vec<_> = allowed.iter().filter(|name| !below.contains(**name)).collect();
        assert!(up.is_empty(), "{module} -> {up:?}");
    }
}

#[test]
fn every_module_has_a_place() {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let listed: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let placed: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, placed);
}

#[test]
fn the_documentation_shows_the_same_table() {
    let page = fs::read_to_string("docs/architecture.md").unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
        let module = cells.first()?.strip_prefix('`')?.strip_suffix('`')?.to_owned();
        let uses = cells.get(2)?.split(", ").filter(|cell| *cell != "-").map(|cell| cell.trim_matches('`').to_owned());
        Some((module, uses.collect::<BTreeSet<String>>()))
    };
    let shown: BTreeMap<String, BTreeSet<String>> = page.lines().filter_map(row).collect();
    let table = MAY_USE.iter().map(|(module, uses)| {
        ((*module).to_owned(), uses.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>())
    });
    assert_eq!(shown, table.collect());
}

#[test]
fn sql_stands_only_in_the_store() {
    let mut places = Vec::new();
    for (file, code) in sources() {
        let is_store = file.starts_with("src/store");
        let is_derive = |line: &str| line.contains("sqlx::Type") || line.contains("#[sqlx(");
        places.extend(
            code.lines()
                .filter(|line| !is_store && line.contains("sqlx::") && !is_derive(line))
                .map(|line| format!("{}: {}", file.display(), line.trim())),
        );
    }
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn the_environment_is_read_by_the_configuration_alone() {
    let mut places = Vec::new();
    for (file, code) in sources() {
        if !file.starts_with("src/config") && file != Path::new("src/fault.rs") && code.contains("env::var") {
            places.push(file);
        }
    }
    assert!(places.is_empty(), "{places:?}");
}

#[test]
fn no_file_is_longer_than_a_reader_bears() {
    let mut too_long = Vec::new();
    for (file, code) in sources().into_iter().chain(files_below(Path::new("tests"))) {
        let lines = code.split("#[cfg(test)]").next().unwrap_or_default().lines().count();
        if lines > MOST_LINES {
            too_long.push(format!("{}: {lines}", file.display()));
        }
    }
    assert!(too_long.is_empty(), "{too_long:?}");
}

#[test]
fn every_file_says_first_what_it_is() {
    let silent: Vec<PathBuf> =
        sources().into_iter().filter(|(_, code)| !code.starts_with("//! ")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "{silent:?}");
}

fn sources() -> Vec<(PathBuf, String)> {
    files_below(Path::new("src"))
}

fn sources_of(module: &str) -> Vec<(PathBuf, String)> {
    let (file, folder) = (PathBuf::from(format!("src/{module}.rs")), PathBuf::from(format!("src/{module}")));
    let found: Vec<_> = sources().into_iter().filter(|(path, _)| *path == file || path.starts_with(&folder)).collect();
    assert!(!found.is_empty(), "{module} has no file");
    found
}

fn files_below(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let code = fs::read_to_string(&path).unwrap();
            found.push((path, code));
        }
    }
    found.sort();
    found
}

/// The modules that `crate::` paths of the code name, also in groups; comments and tests aside.
fn named_in(code: &str) -> BTreeSet<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(top_level_names(group)),
            None => found.extend(first_name(rest)),
        }
    }
    found
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn top_level_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut is_start) = (0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => is_start = true,
            c if is_start && !c.is_whitespace() => {
                names.extend(first_name(&group[at..]));
                is_start = false;
            }
            _ => {}
        }
    }
    names
}
