//! The bridge of the tests.

use runtime::CallerShare;
use storage::{Database as _, Row, Statement};
use storage_native::{BridgeDatabase, BridgeSecret, BridgeUrl};
use tests::{BRIDGE_SECRET, Bridge};

/// A running bridge, and the database behind it.
pub(crate) struct Served {
    pub(crate) bridge: Bridge,
    pub(crate) url: BridgeUrl,
    pub(crate) database: BridgeDatabase,
}

impl Served {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let bridge = Bridge::start().await?;
        let url = BridgeUrl::parse(&bridge.database_url())?;
        let database = BridgeDatabase::new(&url, &BridgeSecret::parse(BRIDGE_SECRET)?, CallerShare::DEFAULT)?;
        // Wrangler has migrated the database, so its schema must be that of this program.
        database.check(&url).await?;
        Ok(Self { bridge, url, database })
    }

    /// Drops all tables.
    pub(crate) async fn empty(&self) {
        // Newest first, because a table that refers to another was made after it.
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table'
            AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*' ORDER BY rowid DESC";
        let tables = self.database.read(Statement::new(names), None).await.unwrap().value;
        let drop_table = |mut table: Row| {
            let name: String = table.take("name").unwrap();
            Statement::new(format!("DROP TABLE {name}").leak())
        };
        self.database.write(tables.into_iter().map(drop_table).collect(), None).await.unwrap();
    }
}
