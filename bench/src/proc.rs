//! What Linux knows of a process: its CPU time and its memory.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

/// Clock ticks a second in `/proc/<pid>/stat`, the same on every Linux that this runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of CPU that the process used so far, in user and system mode.
pub(crate) fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(folder(id).join("stat")).context("no such process")?;
    // The name in parentheses may hold anything, so count from its end: utime and stime are fields 14 and 15.
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).context("a stat line has a name")?;
    let fields = after_name.split_ascii_whitespace().skip(11).take(2);
    Ok(fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND)
}

/// MiB that are resident now.
pub(crate) fn resident_mib(id: u32) -> anyhow::Result<f64> {
    status_mib(id, "VmRSS:")
}

/// The most MiB that were resident since [`reset_peak`].
pub(crate) fn peak_mib(id: u32) -> anyhow::Result<f64> {
    status_mib(id, "VmHWM:")
}

/// Begins to watch for a new peak.
pub(crate) fn reset_peak(id: u32) -> anyhow::Result<()> {
    fs::write(folder(id).join("clear_refs"), "5").context("cannot reset the peak")
}

fn status_mib(id: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(folder(id).join("status")).context("no such process")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such figure")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("not a number")?;
    Ok(kib / 1024.0)
}

fn folder(id: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{id}"))
}
