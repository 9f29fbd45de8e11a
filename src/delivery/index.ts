export { createDelivery, type Delivery, type DeliveryDeps } from './create-delivery.ts';
export type { Lookup } from './name-resolver.ts';
export { parseNetworks, type Network } from './networks.ts';
export { isReservedHeader } from './reserved-headers.ts';
export { parseSigningSecrets, type SigningSecret } from './signing-secrets.ts';
