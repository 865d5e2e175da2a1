//! Reads the memory of one Worker's isolate from the runtime's inspector.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Client;
use serde_json::{Value, json};
use tests::Workers;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::proc;

/// The timeout for a port of the runtime to respond as an inspector.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout for a call of the inspector. A busy isolate responds late, and one that never ran does not respond.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A session with the inspector (the Chrome `DevTools` protocol) of a Worker's isolate.
pub(crate) struct Isolate {
    session: WebSocketStream<TcpStream>,
    calls: u64,
}

impl Isolate {
    /// Connects to the isolate of the Worker `name`. The runtime does not print its inspector's port, so this tries all ports:
    /// the inspector's port is the one that lists the Worker.
    pub(crate) async fn connect(workers: &Workers, name: &str) -> anyhow::Result<Self> {
        let id = format!("core:user:{name}");
        for port in proc::listening_ports(workers.id())? {
            let address = format!("127.0.0.1:{port}");
            if list_ids(&workers.as_ref().client, &address).await.contains(&id) {
                let socket = TcpStream::connect(&address).await?;
                let (session, _) = client_async(format!("ws://{address}/{id}"), socket).await?;
                let mut isolate = Self { session, calls: 0 };
                isolate.call("HeapProfiler.enable").await?;
                return Ok(isolate);
            }
        }
        bail!("no inspector of the runtime lists {id}")
    }

    /// Collects garbage. The isolate does it at its next event.
    pub(crate) async fn collect_garbage(&mut self) -> anyhow::Result<()> {
        self.call("HeapProfiler.collectGarbage").await.map(drop)
    }

    /// The bytes in use: the engine's heap, the runtime's objects, and the buffers, which include wasm's memory.
    pub(crate) async fn used_bytes(&mut self) -> anyhow::Result<u64> {
        let usage = self.call("Runtime.getHeapUsage").await?;
        let part = |name: &str| usage[name].as_f64().with_context(|| format!("no `{name}` in {usage}"));
        let parts = [part("usedSize")?, part("embedderHeapUsedSize")?, part("backingStorageSize")?];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of bytes")]
        Ok(parts.iter().sum::<f64>() as u64)
    }

    async fn call(&mut self, method: &str) -> anyhow::Result<Value> {
        timeout(CALL_TIMEOUT, self.call_and_wait(method)).await.context("the inspector does not respond")?
    }

    async fn call_and_wait(&mut self, method: &str) -> anyhow::Result<Value> {
        self.calls += 1;
        let call = json!({"id": self.calls, "method": method});
        self.session.send(Message::text(call.to_string())).await?;
        while let Some(message) = self.session.next().await {
            let Message::Text(text) = message? else { continue };
            let mut response: Value = serde_json::from_str(&text)?;
            if response["id"] == self.calls {
                ensure!(response["error"].is_null(), "{method}: {response}");
                return Ok(response["result"].take());
            }
        }
        bail!("the inspector closed the connection")
    }
}

/// The ids that an inspector at this address lists. Empty if the port is no inspector's.
async fn list_ids(client: &Client, address: &str) -> Vec<String> {
    let list = client.get(format!("http://{address}/json")).timeout(LIST_TIMEOUT).send();
    let list: Value = match list.await {
        Ok(list) => list.json().await.unwrap_or_default(),
        Err(_) => return Vec::new(),
    };
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["id"].as_str()).map(str::to_owned).collect()
}
