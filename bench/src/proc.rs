//! Reads a process's CPU time, memory and ports from `/proc`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::Context as _;

/// Clock ticks per second in `/proc/<pid>/stat`, the same on every Linux on which this runs.
const TICKS_PER_SECOND: f64 = 100.0;

/// The CPU seconds that the process has used so far, in user and system mode.
pub(crate) fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = stat(id)?;
    let ticks = stat.iter().skip(UTIME).take(2);
    Ok(ticks.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND)
}

/// The IPv4 TCP ports on which the process or one of its descendants listens.
pub(crate) fn listening_ports(id: u32) -> anyhow::Result<BTreeSet<u16>> {
    let family = with_descendants(id)?;
    let links = family.iter().filter_map(|id| fs::read_dir(folder(*id).join("fd")).ok()).flatten();
    let links = links.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    let sockets: BTreeSet<_> = links.map(|link| link.to_string_lossy().into_owned()).collect();
    let table = fs::read_to_string(folder(id).join("net/tcp")).context("no such process")?;
    let of_family = table.lines().filter_map(listening).filter(|(socket, _)| sockets.contains(socket));
    Ok(of_family.map(|(_, port)| port).collect())
}

/// The socket and the port of a line of `/proc/<pid>/net/tcp`, if it is a listening socket.
fn listening(line: &str) -> Option<(String, u16)> {
    const LISTEN: &str = "0A";
    let fields: Vec<_> = line.split_ascii_whitespace().collect();
    let (address, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let port = u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()?;
    (*state == LISTEN).then(|| (format!("socket:[{inode}]"), port))
}

fn with_descendants(id: u32) -> anyhow::Result<BTreeSet<u32>> {
    let entries = fs::read_dir("/proc").context("no /proc")?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    // A process may end while it is read.
    let parent = |id| stat(id).ok()?.get(PARENT)?.parse::<u32>().ok();
    let pairs: Vec<_> = ids.filter_map(|id| Some((id, parent(id)?))).collect();
    let mut family = BTreeSet::from([id]);
    loop {
        let before = family.len();
        let children = pairs.iter().filter(|(_, parent)| family.contains(parent)).map(|(id, _)| *id);
        family.extend(children.collect::<Vec<_>>());
        if family.len() == before {
            return Ok(family);
        }
    }
}

/// Indexes in [`stat`]: of field 4, and of field 14, which is the user time and is followed by the system time.
const PARENT: usize = 1;
const UTIME: usize = 11;

/// The fields of `/proc/<pid>/stat` that follow the name: the first is field 3.
fn stat(id: u32) -> anyhow::Result<Vec<String>> {
    let stat = fs::read_to_string(folder(id).join("stat")).context("no such process")?;
    // The name is in parentheses and may contain any character.
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).context("a stat line has a name")?;
    Ok(after_name.split_ascii_whitespace().map(str::to_owned).collect())
}

/// The MiB that are resident now.
pub(crate) fn resident_mib(id: u32) -> anyhow::Result<f64> {
    status_mib(id, "VmRSS:")
}

/// The peak MiB that were resident since [`reset_peak`].
pub(crate) fn peak_mib(id: u32) -> anyhow::Result<f64> {
    status_mib(id, "VmHWM:")
}

/// Resets the peak to the memory that is resident now.
pub(crate) fn reset_peak(id: u32) -> anyhow::Result<()> {
    fs::write(folder(id).join("clear_refs"), "5").context("cannot reset the peak")
}

fn status_mib(id: u32, name: &str) -> anyhow::Result<f64> {
    let status = fs::read_to_string(folder(id).join("status")).context("no such process")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .context("/proc/<pid>/status lacks the field")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("not a number")?;
    Ok(kib / 1024.0)
}

fn folder(id: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{id}"))
}
