/** Ports a browser refuses, because a line-based protocol may be fooled by a request (Fetch standard, "port blocking"). */
const FETCH_BAD_PORTS = [
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
  6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/** No webhook is there, and much harm. */
const INFRASTRUCTURE_PORTS = {
  databases: [1433, 1434, 1521, 3306, 33060, 5432, 5984, 7474, 7687, 9042, 9160, 27017, 27018, 27019, 28017],
  caches: [6379, 6380, 11211, 16379, 26379],
  brokers: [2181, 4369, 5671, 5672, 9092],
  search: [9200, 9300],
  clusters: [2375, 2376, 2379, 2380, 10250, 10255, 10256, 10257, 10259],
  files: [445, 873],
  desktopsAndShells: [3389, 5900, 5985, 5986],
  management: [623, 7199, 8009],
};

export const DENIED_PORTS: ReadonlySet<number> = new Set([
  ...FETCH_BAD_PORTS,
  ...Object.values(INFRASTRUCTURE_PORTS).flat(),
]);
