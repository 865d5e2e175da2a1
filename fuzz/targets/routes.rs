//! Routes and queries: the first line is `METHOD /path?query`. Only messages of the contract may reach a service.
#![no_main]

use fuzz::{Client, first_line};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::default);

fuzz_target!(|data: &[u8]| {
    let (line, _) = first_line(data);
    let Some(space) = line.iter().position(|byte| *byte == b' ') else { return };
    let (method, uri) = (&line[..space], &line[space + 1..]);
    if let Some(reply) = CLIENT.send(method, uri, &[], Vec::new()) {
        reply.check();
    }
});
