//! Which state of the database the reads of a call see, if it has replicas.

use storage::{BOOKMARK_HEADER, Bookmark};

use super::*;

#[tokio::test]
async fn each_group_of_a_call_reads_what_the_groups_before_it_stored() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) = fixture.open_stream().await;
    sender.send(message(0, cats(2))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 2);
    let before = fixture.database.bookmarks().len();

    // The first is resent, so the group begins with a read; the owner of the second is not cached.
    sender.send(message(1, vec![new_annotation(CAT), new_annotation(DOG)])).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 3);

    let bookmarks = fixture.database.bookmarks();
    let from: Vec<_> = bookmarks.iter().map(|bookmark| bookmark.as_ref().map(Bookmark::as_str)).collect();
    let newest = format!("mark-{before}");
    assert_eq!((from[0], from[before]), (None, Some(newest.as_str())));
    let (images, metadata) = fixture.images.requests().pop().unwrap();
    let forwarded = metadata.get(BOOKMARK_HEADER).unwrap().to_str().unwrap();
    assert_eq!((images, forwarded), (vec![DOG.to_owned()], format!("mark-{}", before + 1).as_str()));
}
