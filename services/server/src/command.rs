//! The commands of the program, and what each does.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use identity::{Grant, Scope, UserId, mint};
use storage::Clock as _;
use storage_native::SystemClock;

use crate::{
    health, parts, serve,
    settings::{Annotations, Cleanup, Database, Folder, Gateway, Images, Serve, Signing, Stores, duration},
};

/// The back end of an image-annotation product: pictures, labelled boxes on them, and a gateway for browsers.
#[derive(Parser)]
#[command(name = "reticle", version, max_term_width = 110)]
pub(crate) struct Program {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the program can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs everything in this process.
    Serve(Serve),
    /// Runs the images service alone.
    Images(Images),
    /// Runs the annotations service alone.
    Annotations(Annotations),
    /// Runs the gateway alone.
    Gateway(Gateway),
    /// Asks a part whether it serves; exits with 0 if it does.
    Health(Health),
    /// Prints a token for a user.
    Token(Token),
    /// Brings the database to this program's schema.
    Migrate(Database),
    /// Purges what was deleted more than 30 days ago, and objects that nothing refers to.
    Cleanup(Cleanup),
    /// Declares that the database and the object store belong together, after one of them was replaced.
    Adopt(Stores),
}

/// Settings of `reticle health`.
#[derive(Args)]
pub(crate) struct Health {
    /// The port of any part, as in `http://127.0.0.1:50051`.
    #[arg(long, default_value = "http://127.0.0.1:8787", value_name = "URL")]
    url: String,
}

/// Settings of `reticle token`.
#[derive(Args)]
pub(crate) struct Token {
    /// The user it speaks for: its `sub`.
    #[arg(long, value_parser = UserId::parse)]
    subject: UserId,

    /// What it allows, as in "images:read annotations:read". [default: everything on the user's own images]
    #[arg(long, value_parser = scope)]
    scope: Option<String>,

    /// How long it holds, as in 90s, 30m, 12h or 7d.
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: Duration,

    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    signing: Signing,
}

/// Carries out `command`.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Serve(settings) => runtime.block_on(serve::everything(settings)),
        Command::Images(settings) => runtime.block_on(serve::images(settings)),
        Command::Annotations(settings) => runtime.block_on(serve::annotations(settings)),
        Command::Gateway(settings) => runtime.block_on(serve::gateway(settings)),
        Command::Health(settings) => runtime.block_on(health::ask(&settings.url)),
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
        eprintln!("a new secret is in {}: `reticle serve` on this folder believes the token", path.display());
    }
    let grant = Grant {
        subject: &settings.subject,
        scope: settings.scope.as_deref(),
        ttl: settings.ttl,
        issuer: signing.jwt_issuer.as_deref(),
        audience: signing.jwt_audience.as_deref(),
    };
    say(&mint(&secret, &grant, SystemClock.now()))
}

async fn migrate(database: &Database) -> anyhow::Result<()> {
    let applied = parts::migrate(database).await?;
    if applied.is_empty() {
        return say("nothing to do: the database has this program's schema");
    }
    applied.iter().try_for_each(|name| say(&format!("applied {name}")))
}

async fn cleanup(settings: &Cleanup) -> anyhow::Result<()> {
    let Cleanup { stores, cleaning } = settings;
    let (images, annotations) = parts::cleanup(stores, cleaning.settings()).await?;
    say(&images.to_string())?;
    say(&annotations.to_string())
}

async fn adopt(stores: &Stores) -> anyhow::Result<()> {
    say(&format!("the database and the object store are now the store {}", parts::adopt(stores).await?))
}

/// Prints a line; unlike `println!`, it does not panic when nobody reads it.
fn say(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("cannot print")
}

/// Names that no service knows would make a token that opens less than was meant.
fn scope(text: &str) -> Result<String, String> {
    let unknown = text.split_ascii_whitespace().find(|name| Scope::named(name).is_none());
    let known = || Scope::ALL.map(Scope::name).join(", ");
    match unknown {
        Some(name) => Err(format!("`{name}` is not one of {}", known())),
        None if text.trim().is_empty() => Err(format!("must name some of {}", known())),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_commands_and_their_settings_fit_together() {
        Program::command().debug_assert();
    }

    #[test]
    fn a_scope_that_no_service_knows_is_refused_by_name() {
        assert!(scope("images:read owners:any").is_ok());
        assert!(
            scope("images:read image:write")
                .unwrap_err()
                .starts_with("`image:write` is not one of images:read")
        );
        assert!(scope(" ").is_err());
    }
}
