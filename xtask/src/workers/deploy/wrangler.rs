//! Runs wrangler commands. A failure has Cloudflare's error code, if there is one.

use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;
use serde::Deserialize;
use xtask::WorkerTools;

/// Wrangler, for one account as soon as it is known.
pub(super) struct Wrangler<'a> {
    tools: &'a WorkerTools,
    /// The file to which wrangler writes one JSON object per line. It has the error codes that the texts lack.
    report: PathBuf,
    account: Option<String>,
}

/// A line of that file, with the fields that are used here.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Report {
    Deploy {
        #[serde(default)]
        targets: Vec<String>,
    },
    CommandFailed {
        code: Option<u64>,
        message: String,
    },
    #[serde(other)]
    Other,
}

/// A command that wrangler or Cloudflare rejected.
#[derive(Debug)]
pub(super) struct Rejected {
    /// Cloudflare's error code, if the command reached Cloudflare.
    pub(super) code: Option<u64>,
    /// What wrangler printed.
    text: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim())
    }
}

impl std::error::Error for Rejected {}

impl<'a> Wrangler<'a> {
    /// Wrangler that writes its reports to a file in `folder`.
    pub(super) fn new(tools: &'a WorkerTools, folder: &Path) -> Self {
        Self { tools, report: folder.join("wrangler.ndjson"), account: None }
    }

    /// Uses this account for all further commands.
    pub(super) fn use_account(&mut self, id: &str) {
        self.account = Some(id.to_owned());
    }

    /// Runs a command and returns its standard output.
    pub(super) fn read(&self, arguments: &[&str]) -> anyhow::Result<Result<String, Rejected>> {
        let mut command = self.command(arguments)?;
        // No questions and no colors.
        command.env("CI", "1").env("NO_COLOR", "1").stdin(Stdio::null());
        let output = command.output().context("cannot start wrangler")?;
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(Ok(stdout));
        }
        let text = format!("{}{stdout}", String::from_utf8_lossy(&output.stderr));
        Ok(Err(Rejected { code: self.failure()?.code, text }))
    }

    /// Runs a command in the user's terminal. It may ask questions.
    pub(super) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> anyhow::Result<Result<(), Rejected>> {
        let mut command = self.command(&[])?;
        command.args(arguments);
        let status = command.status().context("cannot start wrangler")?;
        if status.success() { Ok(Ok(())) } else { Ok(Err(self.failure()?)) }
    }

    /// The addresses and triggers of the Worker that was just deployed.
    pub(super) fn targets(&self) -> anyhow::Result<Vec<String>> {
        let reports = self.reports()?.into_iter();
        Ok(reports
            .flat_map(|report| if let Report::Deploy { targets } = report { targets } else { Vec::new() })
            .collect())
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        fs::write(&self.report, "").with_context(|| format!("cannot write {}", self.report.display()))?;
        let mut command = self.tools.wrangler(arguments)?;
        command.env("WRANGLER_OUTPUT_FILE_PATH", &self.report);
        command.envs(self.account.iter().map(|id| ("CLOUDFLARE_ACCOUNT_ID", id)));
        Ok(command)
    }

    /// The error that the failed command reported.
    fn failure(&self) -> anyhow::Result<Rejected> {
        let failure = self.reports()?.into_iter().find_map(|report| match report {
            Report::CommandFailed { code, message } => Some(Rejected { code, text: message }),
            Report::Deploy { .. } | Report::Other => None,
        });
        Ok(failure
            .unwrap_or_else(|| Rejected { code: None, text: "wrangler stopped without a report".to_owned() }))
    }

    fn reports(&self) -> anyhow::Result<Vec<Report>> {
        let reports = fs::read_to_string(&self.report)
            .with_context(|| format!("cannot read {}", self.report.display()))?;
        Ok(reports.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}
