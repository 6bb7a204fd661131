// The name of an image, read by Docker's rules: which registry has it, and under which path.

export interface ImageName {
  /** The host, with its port if the name has one. */
  readonly host: string;
  readonly path: string;
  /** '' when the name has none. */
  readonly tag: string;
}

/** What stands before the first slash is a registry if it has a dot or a port, or is localhost. */
const REGISTRY = /[.:]|^localhost$/;
const HOST = /^[\w.-]+(?::\d+)?$/;
const PATH = /^[a-z\d]+(?:(?:[._/]|__|-+)[a-z\d]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** Docker's default registry is docker.io. Its API has this host, which Docker knows by heart. */
const DEFAULT_HOST = 'registry-1.docker.io';
const DEFAULT_REGISTRIES = ['docker.io', 'index.docker.io'];

/** undefined when it is no name. */
export function readImageName(text: string): ImageName | undefined {
  const [, first = '', rest = ''] = /^([^/]*)\/(.*)$/.exec(text) ?? [];
  const [registry, name] = REGISTRY.test(first) ? [first, rest] : ['docker.io', text];
  const [, path = '', , tag = ''] = /^([^:]*)(:(.*))?$/s.exec(name) ?? [];
  const isDefault = DEFAULT_REGISTRIES.includes(registry);
  if (!HOST.test(registry) || !PATH.test(path)) return undefined;
  if (name.includes(':') && !TAG.test(tag)) return undefined;
  return {
    host: isDefault ? DEFAULT_HOST : registry,
    // Docker's own images have no owner.
    path: isDefault && !path.includes('/') ? `library/${path}` : path,
    tag,
  };
}
