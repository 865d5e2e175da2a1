//! Tests with files of all formats: the `image` crate encodes them, and the tests insert EXIF blocks.

use std::io::Cursor;

use bytes::Bytes;
use futures_util::stream;
use image::{ImageDecoder as _, ImageFormat, ImageReader, RgbImage};

use super::probe;
use crate::{format::Format, image::UnknownSize};

use UnknownSize::{HeaderTooLong, Impossible, Malformed, Truncated};

const WIDTH: u32 = 40;
const HEIGHT: u32 = 30;

/// An image of 40 × 30 pixels.
fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbImage::new(WIDTH, HEIGHT).write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// An EXIF block: its header, one directory, one entry.
fn exif(orientation: u8) -> Vec<u8> {
    [b"MM\0*\0\0\0\x08".as_slice(), &[0, 1], &[1, 18, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0], &[0; 4]]
        .concat()
}

fn jpeg(orientation: u8) -> Vec<u8> {
    let file = encoded(ImageFormat::Jpeg);
    [&file[..2], &jpeg_segment(0xe1, &[b"Exif\0\0", exif(orientation).as_slice()].concat()), &file[2..]]
        .concat()
}

fn jpeg_segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap();
    [&[0xff, marker], length.to_be_bytes().as_slice(), body].concat()
}

/// A PNG with the EXIF block before or after the pixels.
fn png(orientation: u8, offset_from_end: usize) -> Vec<u8> {
    let file = encoded(ImageFormat::Png);
    let at = if offset_from_end == 0 { 33 } else { file.len() - offset_from_end };
    let block = exif(orientation);
    let length = u32::try_from(block.len()).unwrap();
    let chunk = [length.to_be_bytes().as_slice(), b"eXIf", &block, &[0; 4]].concat();
    [&file[..at], &chunk, &file[at..]].concat()
}

fn webp(orientation: u8) -> Vec<u8> {
    let simple = encoded(ImageFormat::WebP);
    let (width, height) = ((WIDTH - 1).to_le_bytes(), (HEIGHT - 1).to_le_bytes());
    let features = [&[0b1000, 0, 0, 0], &width[..3], &height[..3]].concat();
    let of_odd_length = webp_chunk(b"JUNK", &[0xff; 3]);
    let chunks = [
        &webp_chunk(b"VP8X", &features),
        &of_odd_length,
        &simple[12..],
        &webp_chunk(b"EXIF", &exif(orientation)),
    ]
    .concat();
    let length = u32::try_from(chunks.len() + 4).unwrap();
    [b"RIFF", length.to_le_bytes().as_slice(), b"WEBP", &chunks].concat()
}

fn webp_chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [kind, length.to_le_bytes().as_slice(), body, &vec![0; body.len() % 2]].concat()
}

/// A TIFF whose directory follows the pixels.
fn tiff(orientation: u8) -> Vec<u8> {
    let entry =
        |tag: u16, value: u8| [&tag.to_le_bytes(), [3, 0, 1, 0, 0, 0, value, 0, 0, 0].as_slice()].concat();
    let directory = [entry(256, 40), entry(257, 30), entry(274, orientation)].concat();
    let pixels = vec![0; 3600];
    let offset = u32::try_from(8 + pixels.len()).unwrap();
    [b"II*\0", offset.to_le_bytes().as_slice(), &pixels, &[3, 0], &directory, &[0; 4]].concat()
}

/// A BigTIFF whose directory follows the pixels.
fn big_tiff(orientation: u8) -> Vec<u8> {
    let entry = |tag: u16, kind: u8, value: u8| {
        [&tag.to_le_bytes(), [kind, 0, 1, 0, 0, 0, 0, 0, 0, 0].as_slice(), &[value, 0, 0, 0, 0, 0, 0, 0]]
            .concat()
    };
    let directory = [entry(256, 16, 40), entry(257, 4, 30), entry(274, 3, orientation)].concat();
    let pixels = vec![0; 3600];
    let offset = u64::try_from(16 + pixels.len()).unwrap();
    [
        b"II+\0\x08\0\0\0",
        offset.to_le_bytes().as_slice(),
        &pixels,
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &directory,
        &[0; 8],
    ]
    .concat()
}

/// A GIF with this logical screen and these frames (left, top, width, height).
fn gif(screen: (u8, u8), frames: &[[u8; 4]]) -> Vec<u8> {
    let mut file = [b"GIF89a".as_slice(), &[screen.0, 0, screen.1, 0, 0x80, 0, 0], &[0; 6]].concat();
    for &[left, top, width, height] in frames {
        // An extension of two blocks, one of which looks like a frame.
        file.extend([0x21, 0xf9, 4, 0x2c, 9, 9, 9, 1, 0x3b, 0]);
        file.extend([0x2c, left, 0, top, 0, width, 0, height, 0, 0, 2, 1, 0, 0]);
    }
    file.push(0x3b);
    file
}

fn mp4_box(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [length.to_be_bytes().as_slice(), kind, body].concat()
}

/// Changes the length of a box to 0: it extends to the end of the file.
fn to_the_end(mut last: Vec<u8>) -> Vec<u8> {
    last[..4].fill(0);
    last
}

/// The head of an AVIF.
fn avif_type(major: &[u8; 4]) -> Vec<u8> {
    mp4_box(b"ftyp", &[major.as_slice(), &[0; 4], b"avifmif1"].concat())
}

/// The properties of the second item of an AVIF: its size, and then `more`.
fn item_properties(more: &[Vec<u8>]) -> Vec<u8> {
    let size = |w: u32, h: u32| mp4_box(b"ispe", &[[0; 4], w.to_be_bytes(), h.to_be_bytes()].concat());
    let properties = [size(7, 7), size(WIDTH, HEIGHT), more.concat()].concat();
    let count = u8::try_from(1 + more.len()).unwrap();
    let indices: Vec<u8> = (0..count).map(|index| 0x80 | (index + 2)).collect();
    let associations = [&[0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 1, 0x81, 0, 2, count], indices.as_slice()].concat();
    let properties = [mp4_box(b"ipco", &properties), mp4_box(b"ipma", &associations)].concat();
    mp4_box(b"iprp", &properties)
}

/// The `meta` box of an AVIF whose second item is the primary one.
fn avif_meta(more: &[Vec<u8>]) -> Vec<u8> {
    let primary = mp4_box(b"pitm", &[0, 0, 0, 0, 0, 2]);
    mp4_box(b"meta", &[vec![0; 4], mp4_box(b"hdlr", &[0; 24]), primary, item_properties(more)].concat())
}

/// The headers of an AVIF whose second item is the primary one; its properties are its size, and then `more`.
fn avif(more: &[Vec<u8>]) -> Vec<u8> {
    [avif_type(b"avif"), mp4_box(b"free", &[0; 99]), avif_meta(more)].concat()
}

/// The `moov` box of a sequence with a track that has no size and one of 16 × 12 pixels.
fn avif_tracks() -> Vec<u8> {
    let track = |width: u16, height: u16| {
        let size = [width.to_be_bytes(), [0; 2], height.to_be_bytes(), [0; 2]].concat();
        mp4_box(b"trak", &mp4_box(b"tkhd", &[vec![0; 76], size].concat()))
    };
    mp4_box(b"moov", &[mp4_box(b"mvhd", &[0; 100]), track(0, 0), track(16, 12), track(8, 8)].concat())
}

/// Probes the file; `None` if its size is unknown.
async fn probed(file: &[u8]) -> Option<(i32, i32, u8)> {
    probe_all_ways(file).await.ok()
}

/// Probes the file: width, height, orientation. Checks that the result does not depend on how the file is split into chunks.
async fn probe_all_ways(file: &[u8]) -> Result<(i32, i32, u8), UnknownSize> {
    let format = Format::sniff(file).unwrap();
    let mut all = Vec::new();
    for length in [1, 7, file.len()] {
        let chunks: Vec<Bytes> = file.chunks(length).map(Bytes::copy_from_slice).collect();
        let headers = probe(format, stream::iter(chunks)).await;
        all.push(headers.dimensions().map(|size| (size.width, size.height, headers.orientation().tag())));
    }
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]), "{all:?}");
    all.remove(0)
}

/// Files of all formats that have orientations, each with a quarter turn.
fn rotated_files() -> [Vec<u8>; 6] {
    [jpeg(6), png(6, 0), webp(6), tiff(6), big_tiff(6), avif(&[mp4_box(b"irot", &[3])])]
}

/// The expected result for 40 × 30 stored pixels with this orientation.
fn upright(orientation: u8) -> Option<(i32, i32, u8)> {
    Some(if orientation >= 5 { (30, 40, orientation) } else { (40, 30, orientation) })
}

#[tokio::test]
async fn the_size_is_read_from_all_formats() {
    for format in [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Tiff,
    ] {
        assert_eq!(probed(&encoded(format)).await, Some((40, 30, 1)), "{format:?}");
    }
    assert_eq!(probed(&avif(&[])).await, Some((40, 30, 1)));
}

#[tokio::test]
async fn all_eight_orientations_give_the_upright_size() {
    for tag in 1..=8 {
        for file in [jpeg(tag), png(tag, 0), png(tag, 12), webp(tag), tiff(tag), big_tiff(tag)] {
            assert_eq!(probed(&file).await, upright(tag), "{:?} {tag}", Format::sniff(&file));
        }
    }
}

#[test]
fn another_decoder_reads_the_same_orientations() {
    for tag in 1..=8 {
        for file in [jpeg(tag), webp(tag)] {
            let reader = ImageReader::new(Cursor::new(file)).with_guessed_format().unwrap();
            assert_eq!(reader.into_decoder().unwrap().orientation().unwrap().to_exif(), tag);
        }
    }
}

#[tokio::test]
async fn rotations_and_mirrors_of_avif_match_the_exif_orientations() {
    let turn = |quarters: u8| mp4_box(b"irot", &[quarters]);
    let mirror = |axis: u8| mp4_box(b"imir", &[axis]);
    let by_tag = [
        vec![],
        vec![mirror(1)],
        vec![turn(2)],
        vec![mirror(0)],
        vec![turn(1), mirror(0)],
        vec![turn(3)],
        vec![turn(1), mirror(1)],
        vec![turn(1)],
    ];
    for (tag, turns) in (1..=8).zip(by_tag) {
        assert_eq!(probed(&avif(&turns)).await, upright(tag), "{tag}");
    }
    for (tag, turns) in [(2, [turn(2), mirror(0)]), (4, [turn(2), mirror(1)]), (5, [turn(3), mirror(1)])] {
        assert_eq!(probed(&avif(&turns)).await, upright(tag), "{tag}");
    }
}

#[tokio::test]
async fn an_invalid_orientation_counts_as_upright() {
    for tag in [0, 9, 255] {
        assert_eq!(probed(&jpeg(tag)).await, Some((40, 30, 1)));
    }
}

#[tokio::test]
async fn a_jpeg_with_exif_after_the_frame_or_with_long_headers_is_read_up_to_the_scan() {
    let file = encoded(ImageFormat::Jpeg);
    let scan = file.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
    let exif = jpeg_segment(0xe1, &[b"Exif\0\0", exif(6).as_slice()].concat());
    let behind = [&file[..scan], &exif, &file[scan..]].concat();
    assert_eq!(probed(&behind).await, upright(6));

    let xmp = jpeg_segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>");
    let profile = jpeg_segment(0xe2, &[0; 60_000]).repeat(20);
    let long = [&file[..2], &xmp, &profile, &[0xff, 0xff], &exif, &file[2..]].concat();
    assert_eq!(probed(&long).await, upright(6));
}

#[tokio::test]
async fn bytes_between_the_segments_of_a_jpeg_are_skipped() {
    let file = jpeg(6);
    let segment = |marker: u8| file.windows(2).position(|pair| pair == [0xff, marker]).unwrap();
    let junk: [&[u8]; 5] = [b"\0", b"\xff\0", b"junk\xff\xff\0\xff", b"\xff\x01", &[0xff, 0].repeat(5_000)];
    for junk in junk {
        for at in [segment(0xe0), segment(0xc0)] {
            let file = [&file[..at], junk, &file[at..]].concat();
            assert_eq!(probed(&file).await, upright(6), "{junk:.9?} at {at}");
        }
    }
}

#[tokio::test]
async fn the_size_of_a_gif_contains_its_screen_and_its_first_frame() {
    for (screen, frames, size) in [
        ((20, 10), [[0, 0, 20, 10]].as_slice(), (20, 10)),
        ((20, 10), &[[3, 4, 5, 5]], (20, 10)),
        ((20, 10), &[[0, 0, 40, 5]], (40, 10)),
        ((20, 10), &[[10, 8, 20, 10]], (30, 18)),
        ((20, 10), &[[0, 0, 5, 5], [0, 0, 40, 30]], (20, 10)),
        ((0, 0), &[[3, 4, 5, 5]], (8, 9)),
        ((0, 10), &[[0, 0, 20, 5]], (20, 10)),
        ((20, 10), &[], (20, 10)),
    ] {
        let found = probed(&gif(screen, frames)).await;
        assert_eq!(found, Some((size.0, size.1, 1)), "{screen:?} {frames:?}");
    }
    assert_eq!(probe_all_ways(&gif((0, 0), &[])).await, Err(Malformed));
}

#[tokio::test]
async fn the_size_is_read_from_an_avif_with_a_box_that_extends_to_the_end() {
    let pixels = || mp4_box(b"mdat", &[7; 300]);
    let turned = [mp4_box(b"irot", &[3])];
    let meta_last = [avif_type(b"avif"), pixels(), to_the_end(avif_meta(&turned))].concat();
    assert_eq!(probed(&meta_last).await, upright(6));
    let pixels_last = [avif(&turned), to_the_end(pixels())].concat();
    assert_eq!(probed(&pixels_last).await, upright(6));
}

#[tokio::test]
async fn a_color_profile_of_any_length_is_skipped() {
    let profile = mp4_box(b"colr", &vec![0; 300 * 1024]);
    assert_eq!(probed(&avif(&[profile, mp4_box(b"irot", &[3])])).await, upright(6));
}

#[tokio::test]
async fn an_avif_sequence_has_the_size_of_its_first_track_with_a_size() {
    let sequence = |parts: &[Vec<u8>]| [avif_type(b"avis"), parts.concat()].concat();
    let turned = avif_meta(&[mp4_box(b"irot", &[3])]);
    assert_eq!(probed(&sequence(&[turned.clone(), avif_tracks()])).await, Some((16, 12, 1)));
    assert_eq!(probed(&sequence(&[avif_tracks(), turned.clone()])).await, Some((16, 12, 1)));
    let without_primary = mp4_box(b"meta", &[vec![0; 4], item_properties(&[])].concat());
    assert_eq!(probed(&sequence(&[without_primary, avif_tracks()])).await, Some((16, 12, 1)));
    assert_eq!(probed(&sequence(&[turned])).await, upright(6));
    let image = [avif_type(b"avif"), avif_meta(&[]), avif_tracks()].concat();
    assert_eq!(probed(&image).await, Some((40, 30, 1)));
}

#[tokio::test]
async fn an_unknown_size_has_a_reason() {
    let png = encoded(ImageFormat::Png);
    let mut without_width = png.clone();
    without_width[16..20].fill(0);
    let many = mp4_box(b"free", &[]).repeat(0x8000);
    let endless = mp4_box(b"meta", &[vec![0; 4], mp4_box(b"iprp", &mp4_box(b"ipco", &many))].concat());
    for (file, reason) in [
        (png[..18].to_vec(), Truncated),
        (b"II*\0\x08\0\0\0".to_vec(), Truncated),
        (without_width, Impossible),
        (b"\xff\xd8\xff\xd9".to_vec(), Malformed),
        (b"\xff\xd8\xff\xe0\0\x01".to_vec(), Malformed),
        (b"II*\0\x01\0\0\0".to_vec(), Malformed),
        ([avif_type(b"avif"), endless].concat(), HeaderTooLong),
        ([avif_type(b"avif"), mp4_box(b"meta", &[0; 4])].concat(), Malformed),
    ] {
        assert_eq!(probe_all_ways(&file).await, Err(reason), "{:?}", &file[..file.len().min(40)]);
    }
}

#[tokio::test]
async fn the_size_is_read_from_a_lossy_webp() {
    let frame = [0, 0, 0, 0x9d, 0x01, 0x2a, 40, 0x40, 30, 0xc0];
    let file = [b"RIFF\0\0\0\0WEBP".as_slice(), &webp_chunk(b"VP8 ", &frame)].concat();
    assert_eq!(probed(&file).await, Some((40, 30, 1)));
}

#[tokio::test]
async fn the_size_is_read_from_both_kinds_of_bitmaps() {
    let short = [b"BM".as_slice(), &[0; 12], &[12, 0, 0, 0, 40, 0, 30, 0]].concat();
    let from_the_top =
        [b"BM".as_slice(), &[0; 12], &[40, 0, 0, 0, 40, 0, 0, 0], &(-30_i32).to_le_bytes()].concat();
    assert_eq!(probed(&short).await, Some((40, 30, 1)));
    assert_eq!(probed(&from_the_top).await, Some((40, 30, 1)));
}

#[tokio::test]
async fn the_pixels_of_a_decompression_bomb_are_not_decoded() {
    let mut file = encoded(ImageFormat::Png);
    file[16..24].copy_from_slice(&[60_000_u32.to_be_bytes(), 60_000_u32.to_be_bytes()].concat());
    assert_eq!(probed(&file).await, Some((60_000, 60_000, 1)));
}

#[tokio::test]
async fn a_longer_part_of_a_file_never_gives_less() {
    for file in rotated_files() {
        let whole = probed(&file).await;
        assert_eq!(whole, upright(6));
        let mut was_known = false;
        for length in Format::SNIFFED_BYTES..file.len() {
            let found = probed(&file[..length]).await;
            was_known |= found.is_some();
            assert!(!was_known || found.is_some(), "a longer part of a file must not give less");
        }
    }
}

#[tokio::test]
async fn invalid_data_after_valid_first_bytes_ends_the_walk() {
    let first_bytes: [&[u8]; 7] = [
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0",
        b"II*\0",
        b"\0\0\0\x14ftypavif\0\0\0\0mif1",
    ];
    for filler in [0x00, 0x01, 0x7f, 0xff] {
        for first in first_bytes {
            let _any = probed(&[first, &[filler; 5_000]].concat()).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_byte_never_causes_a_panic() {
    for file in rotated_files() {
        let format = Format::sniff(&file).unwrap();
        for (at, wrong) in (0..file.len()).flat_map(|at| [0x00, 0x01, 0x80, 0xff].map(|wrong| (at, wrong))) {
            let mut file = file.clone();
            file[at] = wrong;
            let _any = probe(format, stream::iter([Bytes::from(file)])).await;
        }
    }
}
