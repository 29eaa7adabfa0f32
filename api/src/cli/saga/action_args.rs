//! The subcommands of `act`, made from the table of actions: the same for one saga and for many.
//!
//! A required parameter is an argument; an optional one is a flag.

use clap::{Arg, ArgMatches, Command, FromArgMatches, Subcommand, error::ErrorKind};
use operator::Action;
use service::operators::{self, ActionRow, Argument, Invalid, Parameters, Takes};

/// An action with its parameters.
#[derive(Clone, Debug)]
pub struct ActionArgs(pub Action);

impl Subcommand for ActionArgs {
    fn augment_subcommands(command: Command) -> Command {
        let actions = operators::action_rows().map(subcommand);
        // An unknown word is passed on to us, so that the message is the same as at the other doors.
        command.subcommands(actions).allow_external_subcommands(true)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(word: &str) -> bool {
        operators::action_named(word).is_ok()
    }
}

impl FromArgMatches for ActionArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (word, given) = matches
            .subcommand()
            .ok_or_else(|| clap::Error::raw(ErrorKind::MissingSubcommand, "an action is missing\n"))?;
        let row = operators::action_named(word).map_err(usage)?;
        let mut parameters = Parameters::default();
        for takes in row.takes {
            if let Some(text) = given.get_one::<String>(takes.parameter.name()) {
                parameters.read(takes.parameter, Argument::Text(text.clone())).map_err(usage)?;
            }
        }
        operators::action(row, parameters).map(Self).map_err(usage)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn usage(invalid: Invalid) -> clap::Error {
    clap::Error::raw(ErrorKind::InvalidValue, format!("{invalid}\n"))
}

fn subcommand(row: ActionRow) -> Command {
    let command = Command::new(row.word).about(row.does);
    let command = if row.advice.is_empty() {
        command
    } else {
        command.long_about(format!("{}. {}", row.does, row.advice))
    };
    let name = Some(row.kind.name()).filter(|name| *name != row.word);
    command.aliases(row.old_words.iter().copied().chain(name)).args(row.takes.iter().map(argument))
}

fn argument(takes: &Takes) -> Arg {
    let parameter = takes.parameter;
    let is_fit = move |text: &str| {
        let read = Parameters::default().read(parameter, Argument::Text(text.to_owned()));
        read.map(|()| text.to_owned()).map_err(|invalid| invalid.detail)
    };
    let argument = Arg::new(parameter.name()).help(takes.about).value_parser(is_fit);
    if takes.is_required { argument.required(true) } else { argument.long(parameter.flag()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use service::operators::Parameter;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        action: ActionArgs,
        #[arg(long, global = true, default_value = "")]
        reason: String,
    }

    fn text(parameter: Parameter) -> &'static str {
        match parameter {
            Parameter::Output => "{\"a\": 1}",
            Parameter::DownTo | Parameter::To => "3",
            Parameter::Until => "2026-03-01T19:00:00Z",
        }
    }

    #[test]
    fn every_action_of_the_table_is_a_subcommand_under_each_of_its_words() {
        for row in operators::action_rows() {
            for word in [row.word, row.kind.name()].iter().chain(row.old_words) {
                let mut line = vec!["usher", word];
                for takes in row.takes {
                    line.extend((!takes.is_required).then_some("--down-to"));
                    line.push(text(takes.parameter));
                }
                line.extend(["--reason", "why not"]);
                let parsed = Line::try_parse_from(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
                assert_eq!(parsed.action.0.kind(), row.kind, "{line:?}");
                assert_eq!(parsed.reason, "why not");
            }
            let needs = row.takes.iter().any(|takes| takes.is_required);
            assert_eq!(Line::try_parse_from(["usher", row.word]).is_err(), needs, "{row:?}");
        }
    }

    #[test]
    fn a_slip_is_told_what_there_is() {
        let slip = Line::try_parse_from(["usher", "explode", "--reason", "x"]).unwrap_err();
        let told = slip.to_string();
        assert_eq!(slip.exit_code(), 2);
        for row in operators::action_rows() {
            assert!(told.contains(row.word), "{told}");
        }
        assert!(told.contains("and is \"explode\""), "{told}");
        let told = Line::try_parse_from(["usher", "extend", "soon"]).unwrap_err().to_string();
        assert!(told.contains("a time (RFC 3339)"), "{told}");
    }
}
