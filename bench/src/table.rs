//! The table of results.

use std::{fmt, io};

use anyhow::ensure;

/// The goal of a figure.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) name: &'static str,
    /// The ratio, or the number in the unit that the name states.
    pub(crate) figure: f64,
    /// The goal of the figure.
    pub(crate) goal: Goal,
    /// The measurements from which the figure was computed.
    pub(crate) detail: String,
}

impl Row {
    fn meets_goal(&self) -> bool {
        match self.goal {
            Goal::AtLeast(goal) => self.figure >= goal,
            Goal::AtMost(goal) => self.figure <= goal,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goal = match self.goal {
            Goal::AtLeast(goal) => format!("≥ {goal}"),
            Goal::AtMost(goal) => format!("≤ {goal}"),
        };
        let met = if self.meets_goal() { "yes" } else { "NO" };
        write!(f, "{:<58} {:>9.3} {goal:>9}  {met:<4} {}", self.name, self.figure, self.detail)
    }
}

/// Prints each row as soon as it is measured, because all benchmarks together take long, and a later one may fail.
#[derive(Debug)]
pub(crate) struct Table<'a, W> {
    filter: &'a str,
    output: W,
    failed: Vec<&'static str>,
}

impl<'a, W: io::Write> Table<'a, W> {
    /// Prints the heading to `output`. Only benchmarks whose names contain `filter` will run.
    pub(crate) fn begin(filter: &'a str, mut output: W) -> anyhow::Result<Self> {
        writeln!(output, "{:<58} {:>9} {:>9}  {:<4} measurements", "", "figure", "goal", "met")?;
        Ok(Self { filter, output, failed: Vec::new() })
    }

    /// Runs the benchmark `name`, unless the filter excludes it, and prints its rows, or why it failed.
    pub(crate) async fn add<R: IntoIterator<Item = Row>>(
        &mut self,
        name: &'static str,
        measurement: impl Future<Output = anyhow::Result<R>>,
    ) -> anyhow::Result<()> {
        if !name.contains(self.filter) {
            return Ok(());
        }
        match measurement.await {
            Ok(rows) => rows.into_iter().try_for_each(|row| writeln!(self.output, "{row}"))?,
            Err(error) => {
                self.failed.push(name);
                writeln!(self.output, "{name:<58} FAILED: {error:#}")?;
            }
        }
        Ok(())
    }

    /// Fails if a benchmark has failed.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        ensure!(self.failed.is_empty(), "these benchmarks failed: {}", self.failed.join("; "));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn measured(name: &'static str) -> impl Future<Output = anyhow::Result<[Row; 1]>> {
        let row = Row { name, figure: 1.0, goal: Goal::AtLeast(2.0), detail: "1 of 1".to_owned() };
        std::future::ready(Ok([row]))
    }

    /// Given a benchmark that fails, when others run before and after it, then their rows are printed, and the end fails.
    #[tokio::test]
    async fn a_failed_benchmark_loses_no_row_of_the_others() {
        let mut output = Vec::new();
        let mut table = Table::begin("bench", &mut output).unwrap();
        table.add("bench one", measured("one")).await.unwrap();
        let failing = async { anyhow::Result::<[Row; 1]>::Err(anyhow!("no such column")) };
        table.add("bench two", failing).await.unwrap();
        table.add("another", measured("excluded")).await.unwrap();
        table.add("bench three", measured("three")).await.unwrap();

        let error = table.finish().unwrap_err().to_string();

        let text = String::from_utf8(output).unwrap();
        let starts: Vec<_> = text.lines().skip(1).map(|line| line.get(..9).unwrap_or(line).trim()).collect();
        assert_eq!(starts, ["one", "bench two", "three"], "{text}");
        assert!(text.contains("FAILED: no such column"), "{text}");
        assert_eq!(error, "these benchmarks failed: bench two");
    }
}
