//! The adapters of this program, as the services name them.

use std::marker::PhantomData;

use annotations::ImagesBackend;
use storage_native::{NativeDatabase, NativeObjects, OsEntropy, SystemClock, TokioBackground, TokioTimer};

/// The adapters of the images service.
#[derive(Clone, Debug)]
pub(crate) struct ImagesHost;

impl images::Host for ImagesHost {
    type Database = NativeDatabase;
    type Objects = NativeObjects;
    type Clock = SystemClock;
    type Entropy = OsEntropy;
    type Background = TokioBackground;
}

/// The adapters of the annotations service, which calls an images service of type `I`.
#[derive(Clone, Debug)]
pub(crate) struct AnnotationsHost<I>(PhantomData<I>);

impl<I: ImagesBackend> annotations::Host for AnnotationsHost<I> {
    type Database = NativeDatabase;
    type Images = I;
    type Clock = SystemClock;
    type Entropy = OsEntropy;
    type Timer = TokioTimer;
}
