//! The picture formats, by their first bytes and by their media types.

/// A raster format that is stored and served. SVG is none: it is a document that can carry scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Bmp,
    Tiff,
    Avif,
}

/// Why an upload is not a picture that is stored here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsupported {
    #[error(
        "The image must be JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF: its first bytes are of none of these"
    )]
    Bytes,
    #[error(
        "The declared content type must be image/*, but not image/svg+xml, or application/octet-stream, or left out"
    )]
    Declared,
    #[error("The declared content type and the bytes do not agree: the bytes are {}", .0.media_type())]
    Disagreement(Format),
}

impl Format {
    /// How many of the first bytes [`Self::sniff`] looks at.
    pub(crate) const SNIFFED_BYTES: usize = 64;

    const ALL: [Self; 7] = [Self::Jpeg, Self::Png, Self::Gif, Self::WebP, Self::Bmp, Self::Tiff, Self::Avif];

    /// The format of a file that begins with `bytes`: all of it, or at least its first [`Self::SNIFFED_BYTES`]. Looks at no
    /// more than these, so that the format does not depend on how many bytes arrived together.
    pub(crate) fn sniff(bytes: &[u8]) -> Result<Self, Unsupported> {
        let bytes = bytes.get(..Self::SNIFFED_BYTES).unwrap_or(bytes);
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Ok(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Self::WebP),
            // 43 is that of BigTIFF.
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(Self::Tiff),
            [b'B', b'M', ..] if has_bitmap_header(bytes) => Ok(Self::Bmp),
            [_, _, _, _, b'f', b't', b'y', b'p', ..] if has_avif_brand(bytes) => Ok(Self::Avif),
            _ => Err(Unsupported::Bytes),
        }
    }

    /// The media type that pictures of this format are served as.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Avif => "image/avif",
        }
    }

    /// The format that is served as `media_type`.
    pub(crate) fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type() == media_type)
    }

    /// The usual extension of a file's name.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::WebP => "webp",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Avif => "avif",
        }
    }

    /// Whether files of this format are named so, in letters of either case.
    pub(crate) fn has_extension(self, extension: &str) -> bool {
        let others: &[&str] = match self {
            Self::Jpeg => &["jpeg", "jpe", "jfif"],
            Self::Png => &["apng"],
            Self::Bmp => &["dib"],
            Self::Tiff => &["tif"],
            Self::Avif => &["avifs"],
            Self::Gif | Self::WebP => &[],
        };
        let names = others.iter().copied().chain([self.extension()]);
        names.into_iter().any(|name| name.eq_ignore_ascii_case(extension))
    }

    /// Whether files of one of the formats are named so.
    pub(crate) fn is_extension(extension: &str) -> bool {
        Self::ALL.into_iter().any(|format| format.has_extension(extension))
    }
}

/// `BM` alone begins many a text; a bitmap has the size of its second header, one of a few, at offset 14.
fn has_bitmap_header(bytes: &[u8]) -> bool {
    let size = bytes.get(14..18).map(|size| size.iter().rev().fold(0_u32, |n, &b| n << 8 | u32::from(b)));
    matches!(size, Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Of the ISO base media files, only those with an AVIF brand; HEIC is another.
fn has_avif_brand(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk().map_or(0, |length| u32::from_be_bytes(*length));
    let end = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
    let brands = bytes.get(8..end).unwrap_or_default().chunks_exact(4);
    // The second word is the major brand's version.
    brands.enumerate().any(|(index, brand)| index != 1 && matches!(brand, b"avif" | b"avis"))
}

/// What an upload is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declared {
    /// Nothing in particular: the bytes decide.
    Anything,
    /// A picture of this format.
    Format(Format),
}

impl Declared {
    /// What a media type declares, whatever its case and its parameters. Programs have made up many a type for the formats
    /// that they know (`image/x-citrix-jpeg`), so of one that is not known here the bytes decide. SVG is known, and not stored.
    pub(crate) fn parse(media_type: &str) -> Result<Self, Unsupported> {
        let essence = media_type.split(';').next().unwrap_or_default();
        // The white space of HTTP's fields (RFC 9110 section 5.6.3).
        let essence = essence.trim_matches([' ', '\t']).to_ascii_lowercase();
        Ok(Self::Format(match essence.as_str() {
            "" | "application/octet-stream" | "binary/octet-stream" => return Ok(Self::Anything),
            "image/jpeg" | "image/jpg" | "image/pjpeg" => Format::Jpeg,
            "image/png" | "image/x-png" | "image/apng" => Format::Png,
            "image/gif" => Format::Gif,
            "image/webp" => Format::WebP,
            "image/bmp" | "image/x-bmp" | "image/x-ms-bmp" => Format::Bmp,
            "image/tiff" | "image/tif" | "image/x-tiff" => Format::Tiff,
            "image/avif" | "image/avif-sequence" => Format::Avif,
            "image/" | "image/svg+xml" => return Err(Unsupported::Declared),
            other if other.starts_with("image/") => return Ok(Self::Anything),
            _ => return Err(Unsupported::Declared),
        }))
    }

    /// `found`, if it is what was declared.
    pub(crate) fn agree(self, found: Format) -> Result<Format, Unsupported> {
        match self {
            Self::Format(declared) if declared != found => Err(Unsupported::Disagreement(found)),
            Self::Format(_) | Self::Anything => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(header: u8) -> Vec<u8> {
        [b"BM".as_slice(), &[0; 12], &[header, 0, 0, 0], &[0; 8]].concat()
    }

    #[test]
    fn formats_are_known_by_their_first_bytes() {
        let files: [(&[u8], Format); 12] = [
            (b"\xff\xd8\xff\xe0", Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Format::Png),
            (b"GIF87a", Format::Gif),
            (b"GIF89a", Format::Gif),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"II*\0", Format::Tiff),
            (b"MM\0*", Format::Tiff),
            (b"II+\0", Format::Tiff),
            (b"MM\0+", Format::Tiff),
            (&bitmap(40), Format::Bmp),
            (b"\0\0\0\x14ftypavif\0\0\0\0mif1", Format::Avif),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Format::Avif),
        ];
        for (bytes, format) in files {
            assert_eq!(Format::sniff(bytes), Ok(format), "{bytes:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let files: [&[u8]; 12] = [
            b"",
            b"\xff\xd8",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"<?xml version='1.0'?><svg/>",
            b"<!doctype html><script>alert(1)</script>",
            b"%PDF-1.7",
            b"BMW is a maker of cars and of motorcycles",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"\0\0\0\x14ftypheic\0\0\0\0mif1",
            b"\0\0\0\x10ftypmif1avifavif",
            b"GIF88a",
            &bitmap(41),
        ];
        for bytes in files {
            assert_eq!(Format::sniff(bytes), Err(Unsupported::Bytes), "{bytes:?}");
        }
    }

    #[test]
    fn a_brand_counts_only_among_the_bytes_that_are_always_there() {
        let ftyp = |others: usize| {
            let brands = [b"ftypmif1\0\0\0\0".as_slice(), &b"mif1".repeat(others), b"avif"].concat();
            [[0, 0, 1, 0].as_slice(), &brands].concat()
        };
        let (last, late) = (ftyp(11), ftyp(12));
        assert_eq!(last.len(), Format::SNIFFED_BYTES);
        assert_eq!(Format::sniff(&last), Ok(Format::Avif));
        assert_eq!(Format::sniff(&late), Err(Unsupported::Bytes));
    }

    #[test]
    fn the_usual_spellings_of_a_type_are_understood() {
        for text in ["image/jpeg", "image/jpg", "IMAGE/JPEG; q=1", " image/pjpeg "] {
            assert_eq!(Declared::parse(text), Ok(Declared::Format(Format::Jpeg)), "{text}");
        }
        for text in [
            "",
            "application/octet-stream",
            "binary/octet-stream",
            "image/*",
            "image/x-citrix-jpeg",
            "image/heic",
        ] {
            assert_eq!(Declared::parse(text), Ok(Declared::Anything), "{text}");
        }
        for format in Format::ALL {
            assert_eq!(Declared::parse(format.media_type()), Ok(Declared::Format(format)));
            assert_eq!(Format::from_media_type(format.media_type()), Some(format));
        }
    }

    #[test]
    fn types_that_are_not_stored_here_are_refused() {
        for text in ["image/svg+xml", "text/html", "video/mp4", "image", "image/", "\u{3000}image/png"] {
            assert_eq!(Declared::parse(text), Err(Unsupported::Declared), "{text}");
        }
    }

    #[test]
    fn a_declared_type_must_agree_with_the_bytes() {
        let declared = Declared::Format(Format::Png);
        assert_eq!(declared.agree(Format::Png), Ok(Format::Png));
        assert_eq!(declared.agree(Format::Jpeg), Err(Unsupported::Disagreement(Format::Jpeg)));
        assert_eq!(Declared::Anything.agree(Format::Jpeg), Ok(Format::Jpeg));
    }
}
