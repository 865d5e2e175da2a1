//! What a process costs: its memory and its file descriptors, as the kernel tells.

use std::fs;

use anyhow::Context as _;
use tests::Program;

/// How many descriptors the program has open.
pub(crate) fn descriptors(program: &Program) -> anyhow::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{}/fd", program.id()?))?.count())
}

/// The most memory, in KiB, that was resident since [`forget_peak`].
pub(crate) fn peak_kib(program: &Program) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", program.id()?))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

/// Lets the peak begin at what is resident now.
pub(crate) fn forget_peak(program: &Program) -> anyhow::Result<()> {
    Ok(fs::write(format!("/proc/{}/clear_refs", program.id()?), "5")?)
}
