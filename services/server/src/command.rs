//! The commands of the program.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use clap::{Args, Parser, Subcommand};
use identity::{Grant, Scope, UserId, mint};
use runtime::Clock as _;
use storage_native::SystemClock;

use crate::{
    format_error, health, parts, serve,
    settings::{
        Annotations, Cleanup, Database, Folder, Gateway, Images, Serve, Signing, Stores, UpstreamTrust,
        duration,
    },
};

/// The back end of an image-annotation product: images, labelled bounding boxes on them, and a gateway for browsers.
#[derive(Parser)]
#[command(name = "reticle", version, max_term_width = 110)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command that the program runs.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs both services and the gateway in one process.
    Serve(Serve),
    /// Runs only the images service.
    Images(Images),
    /// Runs only the annotations service.
    Annotations(Annotations),
    /// Runs only the gateway.
    Gateway(Gateway),
    /// Checks whether a part is ready to serve; exits with 0 if it is.
    Health(Health),
    /// Prints a token for a user.
    Token(Token),
    /// Applies missing migrations, so that the database has the schema of this program.
    Migrate(Database),
    /// Purges images deleted more than 30 days ago, moves objects without a record into the quarantine, and removes ingest streams
    /// that were not used for 30 days.
    Cleanup(Cleanup),
    /// Declares that the database and the object store belong together. Needed after one of them was replaced.
    Adopt(Stores),
}

/// Settings of `reticle health`.
#[derive(Args)]
pub(crate) struct Health {
    /// The URL of any part, as in `http://127.0.0.1:50051` or `https://images.example`.
    #[arg(long, default_value = "http://127.0.0.1:8787", value_name = "URL")]
    url: String,

    #[command(flatten)]
    trust: UpstreamTrust,
}

/// Settings of `reticle token`.
#[derive(Args)]
pub(crate) struct Token {
    /// The user that the token identifies: its `sub`.
    #[arg(long, value_parser = UserId::parse)]
    subject: UserId,

    /// The scopes of the token, as in "images:read annotations:read". [default: everything on the user's own images]
    #[arg(long, value_parser = scope)]
    scope: Option<String>,

    /// How long the token is valid, as in 90s, 30m, 12h or 7d.
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: Duration,

    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    signing: Signing,
}

/// Runs `command`.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Serve(settings) => runtime.block_on(serve::everything(settings)),
        Command::Images(settings) => runtime.block_on(serve::images(settings)),
        Command::Annotations(settings) => runtime.block_on(serve::annotations(settings)),
        Command::Gateway(settings) => runtime.block_on(serve::gateway(settings)),
        Command::Health(settings) => runtime.block_on(health::check(&settings.url, &settings.trust)),
        Command::Token(settings) => token(&settings),
        Command::Migrate(database) => runtime.block_on(migrate(&database)),
        Command::Cleanup(settings) => runtime.block_on(cleanup(&settings)),
        Command::Adopt(stores) => runtime.block_on(adopt(&stores)),
    }
}

fn token(settings: &Token) -> anyhow::Result<()> {
    let Token { folder, signing, .. } = settings;
    let path = folder.jwt_secret_path();
    let is_new = signing.jwt_secret.is_none() && !path.exists();
    let secret = parts::secret(folder, signing)?;
    if is_new {
        eprintln!(
            "created a new secret in {}; `reticle serve` with this folder accepts the token",
            path.display()
        );
    }
    let grant = Grant {
        subject: &settings.subject,
        scope: settings.scope.as_deref(),
        ttl: settings.ttl,
        issuer: signing.jwt_issuer.as_deref(),
        audience: signing.jwt_audience.as_deref(),
    };
    print_line(&mint(&secret, &grant, SystemClock.now()))
}

async fn migrate(database: &Database) -> anyhow::Result<()> {
    let applied = parts::migrate(database).await?;
    if applied.is_empty() {
        return print_line("no migrations to apply: the database has the schema of this program");
    }
    applied.iter().try_for_each(|name| print_line(&format!("applied {name}")))
}

async fn cleanup(settings: &Cleanup) -> anyhow::Result<()> {
    let Cleanup { stores, cleaning } = settings;
    report(parts::cleanup(stores, cleaning.settings()).await?, print_line)
}

/// Prints each report. Fails with all errors, because one does not explain the others.
fn report(
    outcomes: impl IntoIterator<Item = anyhow::Result<String>>,
    mut print: impl FnMut(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let failed = outcomes.into_iter().filter_map(|outcome| outcome.and_then(|report| print(&report)).err());
    let errors: Vec<_> = failed.map(|error| format_error(&error)).collect();
    ensure!(errors.is_empty(), "{}", errors.join("; "));
    Ok(())
}

async fn adopt(stores: &Stores) -> anyhow::Result<()> {
    print_line(&format!(
        "the database and the object store now belong together as store {}",
        parts::adopt(stores).await?
    ))
}

/// Prints a line. Unlike `println!`, it does not panic if standard output is closed.
fn print_line(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("cannot write to standard output")
}

/// Rejects unknown names: a token with a mistyped scope would allow less than intended.
fn scope(text: &str) -> Result<String, String> {
    let unknown = text.split_ascii_whitespace().find(|name| Scope::from_name(name).is_none());
    let known = || Scope::ALL.map(Scope::name).join(", ");
    match unknown {
        Some(name) => Err(format!("`{name}` is not a scope; the scopes are {}", known())),
        None if text.trim().is_empty() => Err(format!("must name at least one of {}", known())),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_of_the_commands_are_valid() {
        Program::command().debug_assert();
    }

    #[test]
    fn each_report_is_printed_and_each_error_is_returned() {
        let failure = |text: &'static str| Err(anyhow::anyhow!("the disk is full").context(text));
        let success = |text: &str| Ok(text.to_owned());
        for (outcomes, expected, error) in [
            ([success("a"), success("b")], &["a", "b"][..], ""),
            ([failure("a"), success("b")], &["b"], "a: the disk is full"),
            ([success("a"), failure("b")], &["a"], "b: the disk is full"),
            ([failure("a"), failure("b")], &[], "a: the disk is full; b: the disk is full"),
        ] {
            let mut printed = Vec::new();
            let reported = report(outcomes, |line| {
                printed.push(line.to_owned());
                Ok(())
            });
            assert_eq!(printed, expected);
            assert_eq!(reported.err().map(|error| error.to_string()).unwrap_or_default(), error);
        }
    }

    #[test]
    fn an_unknown_scope_is_rejected_and_the_error_names_it() {
        assert!(scope("images:read owners:any").is_ok());
        assert!(
            scope("images:read image:write")
                .unwrap_err()
                .starts_with("`image:write` is not a scope; the scopes are images:read")
        );
        assert!(scope(" ").is_err());
    }
}
