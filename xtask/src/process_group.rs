//! Runs a command so that it can be stopped together with its child processes.

use std::{
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::process::Child;

/// How long the processes may take to stop after SIGTERM.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The interval of the checks whether the command has stopped.
const POLL: Duration = Duration::from_millis(20);

/// A command and its child processes. When dropped, they receive SIGTERM; once the command has stopped, or after 5 s, the rest
/// of them receives SIGKILL, because child processes of wrangler may outlive it. The drop returns after that.
pub struct ProcessGroup {
    leader: Child,
    id: u32,
}

impl ProcessGroup {
    /// Starts `command` as the leader of a new process group.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn spawn(mut command: tokio::process::Command) -> anyhow::Result<Self> {
        let leader = command.process_group(0).spawn().context("cannot start the command")?;
        let id = leader.id().context("the command has no process id")?;
        Ok(Self { leader, id })
    }

    /// The process of the command.
    pub const fn leader(&mut self) -> &mut Child {
        &mut self.leader
    }

    /// Uses the command `kill`, since the system call is unsafe in Rust. A group without processes is no error.
    fn signal(&self, signal: &str) {
        let mut kill = Command::new("kill");
        kill.args([signal, "--", &format!("-{}", self.id)]).stderr(Stdio::null());
        let _ = kill.status();
    }

    /// Waits until the command has stopped, at most for the grace period.
    #[expect(clippy::disallowed_methods, reason = "a drop cannot await, and a task is its own host")]
    fn wait_for_leader(&mut self) {
        let start = Instant::now();
        while matches!(self.leader.try_wait(), Ok(None)) && start.elapsed() < GRACE_PERIOD {
            thread::sleep(POLL);
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.signal("-TERM");
        self.wait_for_leader();
        self.signal("-KILL");
        self.wait_for_leader();
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
        process::Command,
        time::timeout,
    };

    use super::*;

    /// Given a command that stops on SIGTERM and has a child process that does not, when the group is dropped, then the
    /// command has had the time to stop, and both have stopped.
    #[tokio::test]
    async fn a_dropped_group_stops_with_all_its_processes() {
        let script = "(trap '' TERM; exec sleep 600) & trap 'echo stopped; exit' TERM; echo ready; wait";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        let mut group = ProcessGroup::spawn(command).unwrap();
        let mut output = BufReader::new(group.leader().stdout.take().unwrap());
        let mut text = String::new();
        output.read_line(&mut text).await.unwrap();
        assert_eq!(text, "ready\n");

        drop(group);

        // Each of the processes holds the pipe open.
        timeout(Duration::from_secs(60), output.read_to_string(&mut text)).await.unwrap().unwrap();
        assert_eq!(text, "ready\nstopped\n");
    }
}
