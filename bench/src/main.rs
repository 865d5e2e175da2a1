//! The benchmarks. Most rows are a ratio of two measurements in one run on one machine, so that figures of different
//! machines can be compared. Each row has a goal. The benchmarks write only to temporary folders.
//!
//! To add a benchmark: add a module with a `NAME` and a function `measure` that returns rows, and add it in [`measure`].

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::future_not_send, reason = "one thread drives each load")]
#![expect(clippy::indexing_slicing, reason = "a response that lacks a field fails the benchmark")]

mod bare_loop;
mod bridge;
mod bucket;
mod bulk;
mod connection;
mod echo;
mod edge;
mod edge_memory;
mod fairness;
mod get_image;
mod ingest;
mod isolate;
mod listing;
mod load;
mod memory;
mod peer;
mod proc;
mod startup;
mod table;
mod transcoding;
mod watchers;

use std::io;

use table::Table;

fn main() -> anyhow::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Runtime::new()?;
    if argument == echo::ARGUMENT {
        return runtime.block_on(echo::serve());
    }
    runtime.block_on(measure(&argument))
}

/// Runs the benchmarks whose names contain `filter`, one after the other, and prints the table.
async fn measure(filter: &str) -> anyhow::Result<()> {
    let mut table = Table::begin(filter, io::stdout())?;
    table.add(bulk::NAME, bulk::measure()).await?;
    table.add(get_image::NAME, get_image::measure()).await?;
    table.add(transcoding::NAME, transcoding::measure()).await?;
    table.add(memory::NAME, memory::measure()).await?;
    table.add(listing::NAME, listing::measure()).await?;
    table.add(startup::NAME, startup::measure()).await?;
    table.add(ingest::NAME, ingest::measure()).await?;
    table.add(ingest::MEMORY, ingest::measure_memory()).await?;
    table.add(fairness::NAME, fairness::measure()).await?;
    table.add(watchers::NAME, watchers::measure()).await?;
    table.add(bucket::NAME, bucket::measure()).await?;
    table.add(bridge::NAME, bridge::measure()).await?;
    table.add(edge::NAME, edge::measure()).await?;
    table.add(edge_memory::NAME, edge_memory::measure()).await?;
    table.finish()
}
