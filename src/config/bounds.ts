// Bounds that settings and code share.

/**
 * How long nginx waits for an answer: proxy_read_timeout in nginx.conf.template, in general and for
 * a payment.
 */
export const NGINX_READ_MS = 5_000;
export const NGINX_PAYMENT_MS = 1_000;
/**
 * A payment that another instance owns is offered to its owner first, and its client's answer waits
 * for the owner this long. After that, this instance holds the payment itself.
 */
export const OFFER_MS = NGINX_PAYMENT_MS / 2;
/**
 * A summary waits at most FLUSH_MS until this instance has recorded its charges, and at most
 * FLUSH_ANSWER_MS until the other instances say that they have. Then it waits for a connection and
 * a statement. Normally it waits for milliseconds. At the bound the answer is a 503, so the bound
 * leaves a slow database time.
 */
export const FLUSH_MS = 800;
export const FLUSH_ANSWER_MS = FLUSH_MS + 100;
export const LEDGER_MS_MAX = (NGINX_READ_MS - FLUSH_ANSWER_MS) / 2 - 1;

/** Most instances that can share one ledger. */
export const INSTANCES_MAX = 16;

/**
 * Most bytes in the path of a Unix socket: what sun_path in sockaddr_un holds, without the zero
 * byte at its end.
 */
export const SOCKET_PATH_BYTES_MAX = 107;

/**
 * The contest's processors work on this many requests at once, lookups included. They queue 500
 * more and decline the rest.
 */
export const PROCESSOR_AT_ONCE = 800;
export const PROCESSOR_QUEUE = 500;
