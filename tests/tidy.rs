//! Rules of the source that no compiler checks.
#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`, with its path from the root and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn collect(dir: PathBuf, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    collect(root().join(folder), &mut found);
    found.sort();
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    named.collect()
}

/// `file:line: text` of each line that `wrong` finds fault with.
fn faults(folders: &[&str], wrong: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (file, text) in folders.iter().flat_map(|folder| sources(folder)) {
        for (number, line) in text.lines().enumerate() {
            if wrong(&file, line) {
                faults.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    faults
}

fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn models_and_stores_know_nothing_of_http_servers() {
    none(&faults(&["src"], |file, line| {
        let name = file.rsplit('/').next().unwrap();
        let pure = name == "model.rs" || name.ends_with("store.rs") || file.contains("/model/");
        pure && line.contains("actix")
    }));
}

#[test]
fn only_stores_and_column_types_know_the_database() {
    none(&faults(&["src"], |file, line| {
        let name = file.rsplit('/').next().unwrap();
        let allowed = file.starts_with("src/db/")
            || file.contains("/store/")
            || ["store.rs", "_sql.rs", "tests.rs"].iter().any(|end| name.ends_with(end))
            // They load tables in bulk.
            || ["src/demo/mod.rs", "src/generate/mod.rs"].contains(&file)
            || ["src/ids.rs", "src/text_enum.rs", "src/time.rs", "src/time/column.rs"].contains(&file)
            || ["src/auth/principals.rs", "src/programs/derived.rs"].contains(&file)
            // The kinds of database error become statuses in one place.
            || file == "src/http/problem.rs";
        !allowed && (line.contains("diesel::") || line.contains("db::schema"))
    }));
}

#[test]
fn files_have_fewer_than_four_hundred_lines() {
    let long = |folder| {
        let files = sources(folder).into_iter();
        let counted = files.map(|(file, text)| (file, text.lines().count()));
        counted.filter(|(_, lines)| *lines >= 400).map(|(file, lines)| format!("{file}: {lines} lines"))
    };
    let long: Vec<_> = ["src", "tests"].into_iter().flat_map(long).collect();
    none(&long);
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let words = ["TODO", "FIXME", "todo!(", "unimplemented!(", "dbg!(", "#[allow(", "#[ignore"];
    none(&faults(&["src", "tests"], |file, line| {
        file != "tests/tidy.rs" && words.iter().any(|word| line.contains(word))
    }));
}

#[test]
fn both_databases_have_the_same_migrations() {
    let scripts = |engine: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(engine);
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .flat_map(|name| {
                let files: Vec<_> = fs::read_dir(folder.join(&name)).unwrap().collect();
                files.into_iter().map(move |file| format!("{name}/{}", file.unwrap().file_name().display()))
            })
            .collect()
    };
    let sqlite = scripts("sqlite");
    assert!(sqlite.iter().filter(|name| name.ends_with("/down.sql")).count() * 2 == sqlite.len());
    assert_eq!(sqlite, scripts("postgres"));
}
