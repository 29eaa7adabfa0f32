//! `usher completions bash|zsh|fish`

use super::Cli;
use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};
use std::{io, process::ExitCode};

/// Print a script with which a shell completes our commands
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell's name
    shell: Known,
}

const EXAMPLES: &str = "\
Examples:
  usher completions bash > /etc/bash_completion.d/usher
  usher completions zsh > ~/.zfunc/_usher              with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  usher completions fish > ~/.config/fish/completions/usher.fish";

/// The shells that we can write a script for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub fn run(self) -> ExitCode {
        let shell = match self.shell {
            Known::Bash => Shell::Bash,
            Known::Zsh => Shell::Zsh,
            Known::Fish => Shell::Fish,
        };
        // Made whole first: a reader that is gone is no error of ours.
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "usher", &mut script);
        let _ = io::Write::write_all(&mut io::stdout(), &script);
        ExitCode::SUCCESS
    }
}
