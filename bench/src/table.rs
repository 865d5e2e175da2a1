//! The table of results.

use std::fmt;

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

/// The rows, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Extend<Row> for Table {
    fn extend<T: IntoIterator<Item = Row>>(&mut self, rows: T) {
        self.0.extend(rows);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<58} {:>9} {:>9}  {:<4} measurements", "", "figure", "goal", "met")?;
        for row in &self.0 {
            let goal = match row.goal {
                Goal::AtLeast(goal) => format!("≥ {goal}"),
                Goal::AtMost(goal) => format!("≤ {goal}"),
            };
            let met = if row.meets_goal() { "yes" } else { "NO" };
            writeln!(f, "{:<58} {:>9.3} {goal:>9}  {met:<4} {}", row.name, row.figure, row.detail)?;
        }
        Ok(())
    }
}
