// Docker's own images, by tags that stay what they are: a shorter one (1.28-bookworm) is another version next month. The working
// compose file has the shorter ones, which a machine without a registry is more likely to hold.

/** By the variables of docker-compose.yml that name them. */
export const EXACT_IMAGES = {
  NGINX_IMAGE: 'nginx:1.28.0-bookworm',
  POSTGRES_IMAGE: 'postgres:17.5-bookworm',
} as const;

/** How much of a version it takes, by the image's name. */
export const WHOLE_VERSION: Readonly<Record<string, RegExp>> = {
  nginx: /^\d+\.\d+\.\d+-/,
  postgres: /^\d+\.\d+-/,
};
