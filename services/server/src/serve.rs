//! The commands that serve. Each opens the stores, binds the ports, serves, waits for a signal, and closes the stores.

use annotations::{AnnotationsService, ImagesBackend};
use gateway_core::{OWN_HEALTH, Upstreams};
use identity::{AuthLayer, Authenticator, SigningKey};
use listener::Descriptors;
use proto::{
    annotations::v1::annotations_service_server::SERVICE_NAME as ANNOTATIONS,
    images::v1::images_service_server::SERVICE_NAME as IMAGES,
};
use runtime::Clock as _;
use storage_native::{NativeDatabase, OsEntropy, SystemClock, TokioTimer};
use tower::Layer as _;

use crate::{
    daily_cleanup::{clean_annotations_daily, clean_images_daily},
    greeting, grpc_port,
    listen::Ports,
    parts::{self, Annotations, Stores},
    settings,
    shutdown::{Lifetime, Signals},
    upstream::Upstream,
};

/// Runs both services and the gateway in one process.
pub(crate) async fn everything(settings: settings::Serve) -> anyhow::Result<()> {
    let settings::Serve {
        stores,
        tokens,
        uploads,
        key,
        gateway,
        images,
        cleaning,
        annotations,
        ports,
        stopping,
    } = settings;
    let folder = &stores.database.folder;
    let authenticator = parts::authenticator(folder, &tokens).await?;
    let opened = Stores::open(&stores).await?;
    let descriptors = Descriptors::raise();
    let transfers = images.transfers(descriptors);
    let key = parts::server_key(folder, &key)?;
    let images_service = parts::images(&opened, &authenticator, key.clone(), &uploads, &images, transfers)?;
    let lifetime = Lifetime::default();
    let limits = limits(&stores.database, &annotations);
    let annotations_service = build_annotations(
        &opened.database,
        images_service.clone(),
        (&authenticator, &key),
        limits,
        &lifetime,
    );
    let images_ready = parts::images_readiness(&opened);
    let annotations_ready = parts::annotations_readiness(&opened.database);
    let images_routes = grpc_port::routes(images_service, images_ready.clone(), &lifetime)?;
    let annotations_routes = grpc_port::routes(annotations_service, annotations_ready.clone(), &lifetime)?;
    let upstreams =
        Upstreams::new().with(IMAGES, images_routes.clone()).with(ANNOTATIONS, annotations_routes.clone());
    let healthy = vec![
        (IMAGES, images_ready),
        (ANNOTATIONS, annotations_ready),
        (OWN_HEALTH, parts::gateway_readiness()),
    ];
    let health_and_reflection = grpc_port::health_and_reflection(&[IMAGES, ANNOTATIONS], healthy, &lifetime)?;
    let gateway_service =
        parts::gateway(&gateway, &uploads, authenticator, upstreams, &health_and_reflection)?;

    let signals = Signals::listen()?;
    let ports = Ports::new(ports.limits(descriptors, transfers.total.get()), &lifetime);
    let images_port = ports.bind("images", "--images-listen", images.images_listen).await?;
    let annotations_port =
        ports.bind("annotations", "--annotations-listen", annotations.annotations_listen).await?;
    let gateway_port = ports.bind("gateway", "--listen", gateway.listen).await?;
    let addresses = [gateway_port.address(), images_port.address(), annotations_port.address()];
    ports.serve_grpc(images_port, images_routes);
    ports.serve_grpc(annotations_port, annotations_routes);
    ports.serve(gateway_port, gateway.trust(), parts::with_client_address(gateway_service));
    clean_images_daily(&opened, cleaning.settings(), &lifetime);
    clean_annotations_daily(&opened.database, &lifetime);
    if tokens.signing.jwt_secret.is_none() && tokens.jwks.is_none() {
        let secret = parts::secret(folder, &tokens.signing)?;
        greeting::print_greeting(addresses, &secret, &tokens.signing, SystemClock.now(), &folder.data_dir);
    }
    let grace = lifetime.wait(signals, stopping.drain_delay()).await;
    opened.close(grace).await;
    Ok(())
}

/// Runs only the images service.
pub(crate) async fn images(settings: settings::Images) -> anyhow::Result<()> {
    let settings::Images { stores, tokens, uploads, key, images, cleaning, ports, stopping } = settings;
    let folder = &stores.database.folder;
    let authenticator = parts::authenticator(folder, &tokens).await?;
    let opened = Stores::open(&stores).await?;
    let descriptors = Descriptors::raise();
    let transfers = images.transfers(descriptors);
    let key = parts::server_key(folder, &key)?;
    let service = parts::images(&opened, &authenticator, key, &uploads, &images, transfers)?;
    let lifetime = Lifetime::default();
    let signals = Signals::listen()?;
    let ports = Ports::new(ports.limits(descriptors, transfers.total.get()), &lifetime);
    let port = ports.bind("images", "--images-listen", images.images_listen).await?;
    ports.serve_grpc(port, grpc_port::routes(service, parts::images_readiness(&opened), &lifetime)?);
    clean_images_daily(&opened, cleaning.settings(), &lifetime);
    let grace = lifetime.wait(signals, stopping.drain_delay()).await;
    opened.close(grace).await;
    Ok(())
}

/// Runs only the annotations service.
pub(crate) async fn annotations(settings: settings::Annotations) -> anyhow::Result<()> {
    let settings::Annotations { database, tokens, key, annotations, images_url, trust, ports, stopping } =
        settings;
    let authenticator = parts::authenticator(&database.folder, &tokens).await?;
    let key = parts::server_key(&database.folder, &key)?;
    let images = Upstream::new(&trust)?.channel("--images-url", &images_url)?;
    let limits = limits(&database, &annotations);
    let database = parts::database(&database).await?;
    let lifetime = Lifetime::default();
    let service = build_annotations(&database, images, (&authenticator, &key), limits, &lifetime);
    let signals = Signals::listen()?;
    let ports = Ports::new(ports.limits(Descriptors::raise(), 0), &lifetime);
    let port = ports.bind("annotations", "--annotations-listen", annotations.annotations_listen).await?;
    ports.serve_grpc(port, grpc_port::routes(service, parts::annotations_readiness(&database), &lifetime)?);
    clean_annotations_daily(&database, &lifetime);
    lifetime.wait(signals, stopping.drain_delay()).await;
    database.close().await;
    Ok(())
}

/// Runs only the gateway.
pub(crate) async fn gateway(settings: settings::Gateway) -> anyhow::Result<()> {
    let settings::Gateway {
        folder,
        tokens,
        uploads,
        gateway,
        images_url,
        annotations_url,
        trust,
        ports,
        stopping,
    } = settings;
    let authenticator = parts::authenticator(&folder, &tokens).await?;
    let upstream = Upstream::new(&trust)?;
    let upstreams = Upstreams::new()
        .with(IMAGES, upstream.channel("--images-url", &images_url)?)
        .with(ANNOTATIONS, upstream.channel("--annotations-url", &annotations_url)?);
    let lifetime = Lifetime::default();
    // Only the services know their health: `/readyz` calls them.
    let own = vec![(OWN_HEALTH, parts::gateway_readiness())];
    let health_and_reflection = grpc_port::health_and_reflection(&[IMAGES, ANNOTATIONS], own, &lifetime)?;
    let service = parts::gateway(&gateway, &uploads, authenticator, upstreams, &health_and_reflection)?;
    let signals = Signals::listen()?;
    let ports = Ports::new(ports.limits(Descriptors::raise(), 0), &lifetime);
    let port = ports.bind("gateway", "--listen", gateway.listen).await?;
    ports.serve(port, gateway.trust(), parts::with_client_address(service));
    lifetime.wait(signals, stopping.drain_delay()).await;
    Ok(())
}

/// The limits of the annotations service.
fn limits(database: &settings::Database, port: &settings::AnnotationsPort) -> annotations::Settings {
    annotations::Settings {
        max_watchers: port.max_watchers,
        max_ingest_streams: port.max_ingest_streams,
        max_ingest_bytes: port.max_ingest_bytes,
        max_stream_names: port.max_stream_names,
        caller_share: database.caller_share,
        ..annotations::Settings::default()
    }
}

/// Builds the annotations service, which drains when the process stops.
fn build_annotations<I: ImagesBackend>(
    database: &NativeDatabase,
    images: I,
    (authenticator, key): (&Authenticator<SystemClock>, &SigningKey),
    settings: annotations::Settings,
    lifetime: &Lifetime,
) -> Annotations<I> {
    let ports = annotations::Ports {
        database: database.clone(),
        images,
        clock: SystemClock,
        entropy: OsEntropy,
        timer: TokioTimer,
    };
    let service = AnnotationsService::new(ports, &key.token_key(), settings);
    let (stopping, drain) = (lifetime.stopping(), service.drain());
    lifetime.run(async move {
        stopping.await;
        drain.begin();
    });
    AuthLayer::new(authenticator.clone(), proto::TOKEN_OPTIONAL).layer(service.into_server())
}
