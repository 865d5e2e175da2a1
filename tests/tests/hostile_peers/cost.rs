//! The memory and the file descriptors of a process, as the kernel reports them.

use std::fs;

use anyhow::Context as _;
use tests::Program;

/// The number of open descriptors of the program.
pub(crate) fn descriptors(program: &Program) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{}/fd", program.id()?))?.count())
}

/// The peak of the resident memory since [`reset_peak`], in KiB.
pub(crate) fn peak_kib(program: &Program) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id()?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Resets the peak to the memory that is resident now.
pub(crate) fn reset_peak(program: &Program) -> anyhow::Result<()> {
    Ok(fs::write(format!("/proc/{}/clear_refs", program.id()?), "5")?)
}
