// The simulator serves the bucket; this Worker only binds it.
export default { fetch: () => new Response("see /cdn-cgi/local/r2/s3\n") };
