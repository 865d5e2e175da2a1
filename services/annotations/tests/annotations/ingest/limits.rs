//! How many streams are open, and how much memory they use.

use super::*;

#[tokio::test]
async fn a_stream_beyond_the_limit_is_rejected_with_a_retry_delay() {
    let fixture =
        Fixture::start_with(Settings { max_ingest_streams: NonZeroUsize::MIN, ..Settings::default() }).await;
    let (sender, responses) = fixture.open_stream().await;
    let rejected = fixture.append(0, cats(1)).await.unwrap_err();
    assert_eq!(ended(&rejected), (Code::ResourceExhausted, "TOO_MANY_REQUESTS".to_owned(), Some(1)));
    drop((sender, responses));
    assert_eq!(fixture.append(0, cats(1)).await.unwrap().next_offset, 1);
}

#[tokio::test]
async fn one_caller_cannot_use_all_streams() {
    let settings = Settings { max_ingest_streams: NonZeroUsize::new(4).unwrap(), ..Settings::default() };
    let fixture = Fixture::start_with(settings).await;
    let (sender, responses) = fixture.open_stream().await;
    let rejected = fixture.append(0, cats(1)).await.unwrap_err();
    assert_eq!(ended(&rejected), (Code::ResourceExhausted, "TOO_MANY_REQUESTS".to_owned(), Some(1)));
    let what_to_do = "Close one, or retry after 1 s.";
    assert_eq!(
        rejected.message(),
        format!("You are at the limit of open ingest streams for one caller, 1. {what_to_do}")
    );
    let request = by("bob", append(0, vec![new_annotation(BOBS)]));
    assert_eq!(fixture.client.clone().append_annotations(request).await.unwrap().into_inner().next_offset, 1);
    drop((sender, responses));
    assert_eq!(fixture.append(0, cats(1)).await.unwrap().next_offset, 1);
}

#[tokio::test]
async fn messages_beyond_the_limit_for_bytes_are_rejected_and_can_be_resent() {
    let fixture = Fixture::start_with(Settings {
        max_ingest_bytes: NonZeroUsize::new(2_000).unwrap(),
        caller_share: CallerShare::ALL,
        ..Settings::default()
    })
    .await;
    let (sender, mut responses) = fixture.open_stream().await;
    sender.send(message(0, cats(5))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 5);
    sender.send(message(5, cats(20))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(fixture.append(5, cats(5)).await.unwrap().next_offset, 10);
    assert_eq!(fixture.stored().await, 10);
}

#[tokio::test]
async fn a_waiting_message_that_does_not_continue_the_group_counts_to_the_limit_for_bytes() {
    let settings = Settings {
        max_ingest_bytes: NonZeroUsize::new(2_000).unwrap(),
        caller_share: CallerShare::ALL,
        ..Settings::default()
    };
    let fixture = Fixture::start_with(settings).await;
    let (sender, mut responses) = fixture.open_stream().await;
    for waiting in [message(0, cats(5)), message(0, cats(20))] {
        sender.send(waiting).unwrap();
    }
    assert_eq!(responses.next().await.unwrap().unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn a_producer_that_reads_no_responses_is_not_read_from() {
    let fixture = Fixture::start().await;
    let (sender, responses) = fixture.open_stream().await;
    for offset in 0..1_000 {
        sender.send(message(offset * 10, cats(10))).unwrap();
    }
    assert_eq!(fixture.next_offset().await, 0);
    let second = responses.skip(1).next().await.unwrap().unwrap().next_offset;
    assert!(second < 10_000, "{second}");
    assert_eq!((fixture.next_offset().await, fixture.stored().await), (second, second));
}
