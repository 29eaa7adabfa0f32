//! Makes one Rust file of the code blocks in the guide to workflows, so that a test compiles and runs what it shows.

use std::{env, fs, path::Path};

const GUIDE: &str = "../docs/writing-a-workflow.md";

fn main() {
    println!("cargo:rerun-if-changed={GUIDE}");
    let guide = fs::read_to_string(GUIDE).expect("the guide can be read");
    let out = env::var("OUT_DIR").expect("cargo sets `OUT_DIR`");
    fs::write(Path::new(&out).join("guide.rs"), code(&guide)).expect("cargo's folder can be written");
}

/// The code, each line where it stands in the guide: the compiler's line numbers are the guide's.
fn code(guide: &str) -> String {
    let mut code = String::new();
    let mut is_inside = false;
    for line in guide.lines() {
        match line.strip_prefix("```") {
            Some(language) => {
                assert!(["", "rust"].contains(&language), "a block that is not compiled: `{line}`");
                is_inside = !is_inside;
            }
            None if is_inside => code.push_str(line),
            None => {}
        }
        code.push('\n');
    }
    code
}
