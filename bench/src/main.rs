//! The benchmarks. Most rows are a ratio of two measurements in one run on one machine, so that figures of different
//! machines can be compared. Each row has a goal. The benchmarks write only to temporary folders.
//!
//! To add a benchmark: add a module with a `NAME` and a function `measure` that returns rows, and call it in [`measure`].

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

use table::Table;

fn main() -> anyhow::Result<()> {
    let argument = std::env::args().nth(1).unwrap_or_default();
    let runtime = tokio::runtime::Runtime::new()?;
    if argument == echo::ARGUMENT {
        return runtime.block_on(echo::serve());
    }
    runtime.block_on(measure(&argument))
}

/// Runs the benchmarks whose names contain `filter`, and prints the table.
async fn measure(filter: &str) -> anyhow::Result<()> {
    let mut table = Table::default();
    if bulk::NAME.contains(filter) {
        table.extend(bulk::measure().await?);
    }
    if get_image::NAME.contains(filter) {
        table.extend(get_image::measure().await?);
    }
    if transcoding::NAME.contains(filter) {
        table.extend(transcoding::measure().await?);
    }
    if memory::NAME.contains(filter) {
        table.extend(memory::measure().await?);
    }
    if listing::NAME.contains(filter) {
        table.extend(listing::measure().await?);
    }
    if startup::NAME.contains(filter) {
        table.extend(startup::measure().await?);
    }
    if ingest::NAME.contains(filter) {
        table.extend(ingest::measure().await?);
    }
    if ingest::MEMORY.contains(filter) {
        table.extend(ingest::measure_memory().await?);
    }
    if fairness::NAME.contains(filter) {
        table.extend(fairness::measure().await?);
    }
    if watchers::NAME.contains(filter) {
        table.extend(watchers::measure().await?);
    }
    if bucket::NAME.contains(filter) {
        table.extend(bucket::measure().await?);
    }
    if bridge::NAME.contains(filter) {
        table.extend(bridge::measure().await?);
    }
    if edge::NAME.contains(filter) {
        table.extend(edge::measure().await?);
    }
    if edge_memory::NAME.contains(filter) {
        table.extend(edge_memory::measure().await?);
    }
    print!("{table}");
    Ok(())
}
