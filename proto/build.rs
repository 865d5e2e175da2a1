//! Compiles the `.proto` files with protox (no protoc needed) into `OUT_DIR`: messages, clients, servers and the descriptor
//! set.

#[path = "build/facts.rs"]
mod facts;

use std::{error::Error, path::PathBuf};

/// The files that the descriptor set must hold, besides their imports. The gateway renders error details by these descriptors
/// too.
const FILES: [&str; 5] = [
    "reticle/images/v1/images.proto",
    "reticle/annotations/v1/annotations.proto",
    "reticle/http/v1/options.proto",
    "google/rpc/status.proto",
    "google/rpc/error_details.proto",
];

#[expect(clippy::disallowed_methods, reason = "cargo passes OUT_DIR in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=reticle");
    println!("cargo:rerun-if-changed=google");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(FILES)?;
    // protox encodes the set itself, because prost's descriptor types drop custom options.
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    std::fs::write(out.join("facts.rs"), facts::generate(&compiler.descriptor_pool())?)?;

    tonic_prost_build::configure()
        .codec_path("crate::BoundedCodec")
        .build_transport(false)
        .bytes(".reticle.images.v1.UploadImageRequest")
        .bytes(".reticle.images.v1.PutUploadRequest")
        .bytes(".reticle.images.v1.DownloadImageResponse")
        .boxed(".reticle.annotations.v1.WatchAnnotationsResponse.event.changed")
        .compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
