//! The commands of the program, and what each does.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use identity::{Grant, UserId, mint};
use storage::Clock as _;
use storage_native::SystemClock;

use crate::{
    parts, serve,
    settings::{Annotations, Data, Gateway, Images, Serve, Tokens},
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
    /// Prints a token for a user.
    Token(Token),
    /// Brings the database to this program's schema.
    Migrate(Data),
    /// Purges what was deleted more than 30 days ago, and objects that nothing refers to.
    Cleanup(Data),
}

/// Settings of `reticle token`.
#[derive(Args)]
pub(crate) struct Token {
    /// The user it speaks for: its `sub`.
    #[arg(long, value_parser = UserId::parse)]
    subject: UserId,

    /// What it allows, as in "images:read annotations:read". [default: everything on the user's own images]
    #[arg(long)]
    scope: Option<String>,

    /// How long it holds, as in 90s, 30m, 12h or 7d.
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: Duration,

    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    tokens: Tokens,
}

/// Carries out `command`.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Serve(settings) => runtime.block_on(serve::everything(settings)),
        Command::Images(settings) => runtime.block_on(serve::images(settings)),
        Command::Annotations(settings) => runtime.block_on(serve::annotations(settings)),
        Command::Gateway(settings) => runtime.block_on(serve::gateway(settings)),
        Command::Token(settings) => token(&settings),
        Command::Migrate(data) => runtime.block_on(migrate(&data)),
        Command::Cleanup(data) => runtime.block_on(cleanup(&data)),
    }
}

fn token(settings: &Token) -> anyhow::Result<()> {
    let secret = parts::secret(&settings.data, &settings.tokens)?;
    let grant = Grant {
        subject: &settings.subject,
        scope: settings.scope.as_deref(),
        ttl: settings.ttl,
        issuer: settings.tokens.jwt_issuer.as_deref(),
        audience: settings.tokens.jwt_audience.as_deref(),
    };
    println!("{}", mint(&secret, &grant, SystemClock.now()));
    Ok(())
}

async fn migrate(data: &Data) -> anyhow::Result<()> {
    let applied = parts::migrate(data).await?;
    for name in &applied {
        println!("applied {name}");
    }
    if applied.is_empty() {
        println!("nothing to do: the database has this program's schema");
    }
    Ok(())
}

async fn cleanup(data: &Data) -> anyhow::Result<()> {
    let report = parts::cleanup(data).await?;
    println!("{report}");
    Ok(())
}

fn duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("`{text}` is not a duration such as 90s, 30m, 12h or 7d");
    let unit = text.chars().last().ok_or_else(problem)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(problem()),
    };
    let count: u64 = text.strip_suffix(unit).and_then(|n| n.parse().ok()).ok_or_else(problem)?;
    count.checked_mul(seconds).filter(|&n| n > 0).map(Duration::from_secs).ok_or_else(problem)
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
    fn durations_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(7 * 86_400)));
        for wrong in ["", "h", "1", "0s", "-1s", "1w", "99999999999999999999d", "ä"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
