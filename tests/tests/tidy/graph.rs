//! Which file takes which names from which: the imports of all crates, each followed to the file that defines the name.

use super::{
    imports::{Module, read},
    source::{File, files},
};
use std::collections::{BTreeMap, BTreeSet};

/// The names that one file takes from another, by the places of both in [`Graph::files`].
pub type Edges = BTreeMap<(usize, usize), BTreeSet<String>>;

pub struct Graph {
    pub files: Vec<Source>,
    pub edges: Edges,
}

/// A file of code that isn't for tests.
pub struct Source {
    /// From the workspace's root.
    pub path: String,
    /// The names of its crate and of its modules from there.
    pub module: Vec<String>,
}

impl Source {
    pub fn own_crate(&self) -> &str {
        &self.module[0]
    }

    /// The room of this house that it is in: the name of the module below it. The house's own file is in none.
    pub fn room_of(&self, house: &[&str]) -> Option<&str> {
        self.module.get(house.len()).filter(|_| self.is_in(house)).map(String::as_str)
    }

    /// Whether it is this module, or in it.
    pub fn is_in(&self, module: &[&str]) -> bool {
        self.module.len() >= module.len() && self.module.iter().zip(module).all(|(own, its)| own == its)
    }
}

impl Graph {
    /// Reads these crates.
    pub fn of(crates: &[&str]) -> Self {
        let texts = files(&["rs"]);
        let mut modules = Modules::default();
        for own_crate in crates {
            modules.read_crate(&texts, own_crate);
        }
        let edges = modules.edges();
        Self { files: modules.files, edges }
    }

    /// `a.rs -> b.rs: these, names`.
    pub fn describe(&self, from: usize, to: usize) -> String {
        let names: Vec<&str> = self.edges[&(from, to)].iter().map(String::as_str).collect();
        format!("{} -> {}: {}", self.files[from].path, self.files[to].path, names.join(", "))
    }
}

#[derive(Default)]
struct Modules {
    files: Vec<Source>,
    /// Each module with its file.
    modules: BTreeMap<Vec<String>, (usize, Module)>,
}

impl Modules {
    fn read_crate(&mut self, texts: &[File], own_crate: &str) {
        let folder = format!("{own_crate}/src/");
        let mut waiting: BTreeMap<Vec<String>, &File> = texts
            .iter()
            .filter_map(|file| Some((module_of(own_crate, file.path.strip_prefix(&folder)?), file)))
            .collect();
        let (root, main) = (vec![own_crate.to_owned()], vec![own_crate.to_owned(), "main".to_owned()]);
        if !waiting.contains_key(&root)
            && let Some(file) = waiting.remove(&main)
        {
            waiting.insert(root.clone(), file);
        }
        // From the roots down, as the compiler goes: what only tests declare isn't reached. A program beside a library
        // declares nothing here.
        let mut next: Vec<Vec<String>> = vec![root, main];
        while let Some(module) = next.pop() {
            let Some(file) = waiting.remove(&module) else { continue };
            let place = self.files.len();
            self.files.push(Source { path: file.path.clone(), module: module.clone() });
            for (inner, read) in read(&file.text) {
                let path = [module.clone(), inner].concat();
                next.extend(read.children.iter().map(|child| [path.clone(), vec![child.clone()]].concat()));
                self.modules.insert(path, (place, read));
            }
        }
        let lost: Vec<&str> = waiting
            .values()
            .map(|file| file.path.as_str())
            .filter(|path| {
                !path.ends_with("tests.rs") && !path.contains("/tests/") && !path.contains("/bin/")
            })
            .collect();
        assert!(lost.is_empty(), "no module declares them, or this test can't read it: {lost:?}");
    }

    fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (path, (from, module)) in &self.modules {
            let taken = module.uses.iter().filter_map(|one| {
                // A name that is only re-exported makes no edge.
                let is_used = !one.is_public || module.words.contains(&one.name);
                is_used.then_some(one.path.as_slice())
            });
            for named in taken.chain(module.paths.iter().map(Vec::as_slice)) {
                if let Some(Found::Item { file, name }) = self.find(path, named, 0)
                    && file != *from
                {
                    edges.entry((*from, file)).or_default().insert(name);
                }
            }
        }
        edges
    }

    /// What this path means in this module; `None` for what isn't ours.
    fn find(&self, module: &[String], path: &[String], depth: usize) -> Option<Found> {
        // Two modules that take everything from each other would be followed for ever.
        const DEPTH_MAX: usize = 16;
        if depth > DEPTH_MAX {
            return None;
        }
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => Some(Found::Module(vec![module[0].clone()])),
            "self" => Some(Found::Module(module.to_vec())),
            "super" => Some(Found::Module(module.split_last()?.1.to_vec())),
            _ => self.step(module, first, rest.is_empty(), depth),
        };
        let root = [first.clone()];
        let mut found =
            start.or_else(|| self.modules.contains_key(&root[..]).then(|| Found::Module(root.into())))?;
        for (index, name) in rest.iter().enumerate() {
            // A variant or a function of a type is where the type is.
            let Found::Module(at) = &found else { break };
            let is_last = index + 1 == rest.len();
            found = match name.as_str() {
                "super" => Found::Module(at.split_last()?.1.to_vec()),
                // What a macro defines can't be seen; it is there, for the compiler has found it.
                _ => self.step(at, name, is_last, depth).unwrap_or_else(|| self.item(at, name)),
            };
        }
        Some(found)
    }

    /// What a name means in a module.
    fn step(&self, module: &[String], name: &str, is_last: bool, depth: usize) -> Option<Found> {
        let (_, own) = self.modules.get(module)?;
        let child = || {
            let child = [module, &[name.to_owned()]].concat();
            self.modules.contains_key(&child).then_some(Found::Module(child))
        };
        let taken = || {
            let mut named = own.uses.iter().filter(|one| one.name == name && !is_itself(&one.path, name));
            named.find_map(|one| self.find(module, &one.path, depth + 1))
        };
        let item = || own.items.contains(name).then(|| self.item(module, name));
        let passed_on = || {
            let mut all = own.uses.iter().filter(|one| one.name == "*");
            all.find_map(|one| match self.find(module, &one.path, depth + 1)? {
                Found::Module(from) => self.step(&from, name, is_last, depth + 1),
                Found::Item { .. } => None,
            })
        };
        // A module and a function may have one name: at a path's end the function is meant.
        if is_last {
            item().or_else(taken).or_else(child).or_else(passed_on)
        } else {
            child().or_else(item).or_else(taken).or_else(passed_on)
        }
    }

    fn item(&self, module: &[String], name: &str) -> Found {
        Found::Item { file: self.modules[module].0, name: name.to_owned() }
    }
}

enum Found {
    Module(Vec<String>),
    Item { file: usize, name: String },
}

/// `use name`, which takes another crate's name under the same.
fn is_itself(path: &[String], name: &str) -> bool {
    path.len() == 1 && path[0] == name
}

fn module_of(own_crate: &str, path: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let mut module = vec![own_crate.to_owned()];
    module.extend(stem.split('/').filter(|part| !["lib", "mod"].contains(part)).map(str::to_owned));
    module
}
