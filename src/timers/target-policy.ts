/** May this URL be called? Asked when a timer is made or changed; the address itself is checked again at every connect. */
export interface TargetPolicy {
  /** Returns why not, in words for the client that name the setting which would open the target; undefined when allowed. */
  refusalOf(url: string): string | undefined;
}
