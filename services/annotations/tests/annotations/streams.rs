//! The limit of streams for one caller, and their removal.

use std::num::NonZeroU32;

use annotations::{CleanupReport, Settings, cleanup};
use proto::annotations::v1 as pb;
use storage::Statement;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::fixture::{BOBS, CAT, Fixture, by, new_annotation};

const DAY: i64 = 24 * 60 * 60 * 1_000;

impl Fixture {
    /// Appends one annotation to a stream at `offset`, and returns the next offset.
    async fn append_to(&self, user: &str, stream: &str, offset: i64) -> Result<i64, Status> {
        let image = if user == "bob" { BOBS } else { CAT };
        let annotations = vec![new_annotation(image)];
        let append = pb::AppendAnnotationsRequest { stream_id: stream.to_owned(), offset, annotations };
        Ok(self.client.clone().append_annotations(by(user, append)).await?.into_inner().next_offset)
    }

    /// The next offset of alice's stream, if it exists.
    async fn find(&self, stream: &str) -> Result<i64, Code> {
        let request = pb::GetIngestStreamRequest { stream_id: stream.to_owned() };
        let found = self.client.clone().get_ingest_stream(by("alice", request)).await;
        found.map(|found| found.into_inner().next_offset).map_err(|status| status.code())
    }

    async fn clean_up(&self) -> CleanupReport {
        cleanup(&self.database, &self.clock, &self.clock).await.unwrap()
    }
}

fn two_streams() -> Settings {
    Settings { max_stream_names: NonZeroU32::new(2).unwrap(), ..Settings::default() }
}

#[tokio::test]
async fn a_stream_beyond_the_limit_is_rejected_and_existing_ones_continue() {
    let fixture = Fixture::start_with(two_streams()).await;
    assert_eq!(fixture.append_to("alice", "a", 0).await.unwrap(), 1);
    assert_eq!(fixture.append_to("alice", "b", 0).await.unwrap(), 1);

    let rejected = fixture.append_to("alice", "c", 0).await.unwrap_err();

    assert_eq!(rejected.code(), Code::ResourceExhausted);
    assert_eq!(rejected.get_details_error_info().unwrap().reason, "TOO_MANY_STREAMS");
    assert!(rejected.message().contains("the limit of stored streams for one caller, 2."), "{rejected:?}");
    assert_eq!(fixture.append_to("alice", "a", 1).await.unwrap(), 2, "existing streams continue");
    assert_eq!(fixture.append_to("bob", "c", 0).await.unwrap(), 1, "other callers have their own limit");
    assert_eq!(fixture.stored().await, 4);
}

#[tokio::test]
async fn a_stream_is_removed_30_days_after_its_last_use_and_its_annotations_stay() {
    let fixture = Fixture::start_with(two_streams()).await;
    fixture.append_to("alice", "old", 0).await.unwrap();
    fixture.append_to("alice", "used", 0).await.unwrap();
    fixture.clock.advance_millis(30 * DAY);
    assert_eq!(fixture.clean_up().await.expired_streams, 0, "not before");
    fixture.append_to("alice", "used", 1).await.unwrap();
    fixture.clock.advance_millis(1);

    assert_eq!(fixture.clean_up().await.expired_streams, 1);

    assert_eq!(fixture.find("old").await, Err(Code::NotFound));
    assert_eq!(fixture.find("used").await, Ok(2));
    assert_eq!(fixture.stored().await, 3);
    assert_eq!(fixture.append_to("alice", "new", 0).await.unwrap(), 1, "a new stream can be created again");
}

#[tokio::test]
async fn the_clean_up_reads_all_streams_in_pages() {
    let fixture = Fixture::start().await;
    let make = Statement::new(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
         INSERT INTO ingest_streams
         SELECT 'user' || (i % 3), 'stream' || i, 0, 's', 'w', 0, CASE i % 2 WHEN 0 THEN 0 ELSE ?1 END FROM n",
    );
    fixture.database.execute(make.bind(i64::MAX)).await;
    fixture.database.take_count();

    assert_eq!(fixture.clean_up().await.expired_streams, 1_250);

    assert_eq!(fixture.database.take_count(), 2 * 3, "a thousand rows each");
    let left = fixture.database.numbers("SELECT count(*) AS n FROM ingest_streams").await;
    assert_eq!(left, [1_250]);
}
