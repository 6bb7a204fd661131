// Docker's own images with exact tags. A shorter tag (1.28-bookworm) names another version next
// month; the compose file has shorter tags, because a machine is more likely to have those already.

/** By the variables of docker-compose.yml that name them. */
export const EXACT_IMAGES = {
  NGINX_IMAGE: 'nginx:1.28.0-bookworm',
  POSTGRES_IMAGE: 'postgres:17.5-bookworm',
} as const;

/** What an exact tag looks like, by the image's name. */
export const WHOLE_VERSION: Readonly<Record<string, RegExp>> = {
  nginx: /^\d+\.\d+\.\d+-/,
  postgres: /^\d+\.\d+-/,
};
