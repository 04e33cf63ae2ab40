import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Namespaces } from "./namespaces.ts";
import { setting } from "./setting.ts";

/**
 * What stands between a host and the internet.
 *
 * - `cone`: a NAT that keeps ports, and drops SYNs that nobody asked for (RFC 5382).
 * - `rst`: the same, but it answers such a SYN by RST.
 * - `random`: a NAT that gives each connection another port.
 * - `none`: a router; the host has a public address.
 */
export type NatKind = "cone" | "rst" | "random" | "none";
export type NatSide = "client" | "provider";

export interface NatNetworkOptions {
  client: NatKind;
  provider: NatKind;
  /** IP versions that exist; by default 4. */
  versions?: readonly (4 | 6)[];
  /** Whether the provider is in the client's network. */
  isOneSite?: boolean;
}

/** A NAT that drops, and the chains in which miniupnpd writes its mappings. */
const CHAINS = `
  table inet filter {
    chain strangers { type filter hook input priority filter; iifname "out" ct state new drop; }
    chain pass {
      type filter hook forward priority filter;
      jump miniupnpd
      iifname "out" ct state new drop
    }
    chain miniupnpd { }
    chain pre { type nat hook prerouting priority dstnat; jump prerouting_miniupnpd; }
    chain prerouting_miniupnpd { }
    chain post {
      type nat hook postrouting priority srcnat;
      jump postrouting_miniupnpd
      oifname "out" masquerade
    }
    chain postrouting_miniupnpd { }
  }`;
const MINIUPNPD = `
ext_ifname=out
listening_ip=in
port=0
enable_natpmp=yes
enable_upnp=no
secure_mode=yes
uuid=00000000-0000-0000-0000-000000000000
allow 1024-65535 0.0.0.0/0 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`;

/** The second number of the addresses of each place. */
const SITES = { client: 77, provider: 78, relay: 79 } as const;
type Site = keyof typeof SITES;

/**
 * A client, a provider and a relay, each in a network namespace, and a router between them. Client and provider are
 * behind a NAT each. The addresses are public ones, which may be dialled.
 */
export class NatNetwork {
  readonly #spaces = new Namespaces();
  readonly #options: NatNetworkOptions;
  readonly #folders: string[] = [];
  readonly #place: Record<NatSide, number> = { client: 0, provider: 0 };

  static get missing(): string | undefined {
    return Namespaces.missing;
  }

  /** Whether NATs can be made that map ports. */
  static get canMapPorts(): boolean {
    return Namespaces.has("miniupnpd");
  }

  constructor(options: NatNetworkOptions) {
    this.#options = options;
  }

  start(): void {
    const spaces = this.#spaces;
    const { isOneSite = false } = this.#options;
    spaces.add("core");
    spaces.forward("core");
    for (const site of ["client", "provider", "relay"] as const) this.#connect(site);
    spaces.add("relay");
    spaces.link(["relay", "eth0"], ["relaynat", "in"]);
    this.#settle("relay");
    for (const side of ["client", "provider"] as const) {
      spaces.add(side);
      const site = isOneSite ? "client" : side;
      spaces.link([side, "eth0"], [`${site}nat`, side === site ? "in" : "in2"]);
      this.#settle(side);
    }
  }

  /** The relay's address. */
  get relay(): string {
    return this.#versions.includes(4) ? "9.79.1.2" : "2a0a:79:1::2";
  }

  /** The address of a side's NAT that others see. */
  outside(side: NatSide): string {
    return `9.${SITES[side]}.0.2`;
  }

  /** The host gets another address in its own network. */
  change(side: NatSide): void {
    this.#place[side] = 1 - this.#place[side];
    this.#spaces.exec(side, "ip", "address", "flush", "dev", "eth0", "scope", "global");
    this.#settle(side);
  }

  /** The NAT forgets its mappings, and gets another kind. */
  renew(side: NatSide, kind: NatKind): void {
    this.#nat(side, kind);
  }

  /** Whether packets can be delayed. */
  static get canDelay(): boolean {
    return existsSync("/dev/net/tun") && Namespaces.has("python3");
  }

  /** Delays what passes between the three places, one way; begin before the hosts speak. */
  delay(milliseconds: number): void {
    const spaces = this.#spaces;
    for (const device of ["delay0", "delay1"]) {
      spaces.exec("core", "ip", "tuntap", "add", "dev", device, "mode", "tun");
      spaces.exec("core", ...setting(`net.ipv4.conf.${device}.rp_filter`, 0));
      spaces.exec("core", "ip", "link", "set", device, "up");
    }
    spaces.exec("core", ...setting("net.ipv4.conf.all.rp_filter", 0));
    spaces.exec("core", "ip", "route", "add", "default", "dev", "delay0", "table", "100");
    for (const site of ["client", "provider", "relay"]) {
      spaces.exec("core", "ip", "rule", "add", "iif", site, "table", "100");
    }
    const script = path.join(import.meta.dirname, "delay.py");
    spaces.start("core", "python3", script, String(milliseconds));
  }

  /** Cuts what passes directly between the two sides, without a word. */
  cutDirect(): void {
    this.#spaces.nft(
      "core",
      `table inet cut {
        chain pass {
          type filter hook forward priority filter;
          ip saddr 9.77.0.0/16 ip daddr 9.78.0.0/16 drop
          ip saddr 9.78.0.0/16 ip daddr 9.77.0.0/16 drop
        }
      }`,
    );
  }

  /** Lets the provider's NAT map ports by NAT-PMP. */
  mapPorts(): void {
    const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-nat-"));
    const file = path.join(folder, "miniupnpd.conf");
    writeFileSync(file, MINIUPNPD);
    this.#spaces.nft("providernat", CHAINS);
    this.#folders.push(folder);
    const args = ["-f", file, "-P", path.join(folder, "pid"), "-d"];
    this.#spaces.start("providernat", "miniupnpd", ...args);
  }

  /** The rules by which the provider's NAT leads ports inside. */
  mappings(): string[] {
    const chain = ["nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd"];
    return this.#spaces
      .read("providernat", ...chain)
      .split("\n")
      .filter((line) => line.includes("dnat"));
  }

  /** Lets them pass again. */
  mendDirect(): void {
    this.#spaces.nft("core", "");
  }

  run(place: Site, file: string, ...args: string[]): ChildProcess {
    return this.#spaces.run(place, path.resolve(import.meta.dirname, file), ...args);
  }

  exec(place: Site | "clientnat" | "providernat", ...command: string[]): void {
    this.#spaces.exec(place, ...command);
  }

  async stop(): Promise<void> {
    await this.#spaces.stop();
    for (const folder of this.#folders) rmSync(folder, { recursive: true });
  }

  get #versions(): readonly (4 | 6)[] {
    return this.#options.versions ?? [4];
  }

  /** Connects a place's router or NAT with the core. */
  #connect(site: Site): void {
    const spaces = this.#spaces;
    const number = SITES[site];
    const box = `${site}nat`;
    spaces.add(box);
    spaces.forward(box);
    spaces.link([box, "out"], ["core", site]);
    if (this.#versions.includes(4)) {
      spaces.address("core", site, `9.${number}.0.1/24`);
      spaces.address(box, "out", `9.${number}.0.2/24`);
      spaces.route(box, "default", `9.${number}.0.1`);
      spaces.route("core", `9.${number}.1.0/24`, `9.${number}.0.2`);
    }
    if (this.#versions.includes(6)) {
      spaces.address("core", site, `2a0a:${number}::1/64`);
      spaces.address(box, "out", `2a0a:${number}::2/64`);
      spaces.route(box, "default", `2a0a:${number}::1`);
      spaces.route("core", `2a0a:${number}:1::/64`, `2a0a:${number}::2`);
    }
    if (site !== "relay") this.#nat(site, this.#options[site]);
  }

  #nat(side: NatSide, kind: NatKind): void {
    const hide = kind === "random" ? "masquerade random" : "masquerade";
    const strangers = kind === "cone" || kind === "random" ? "drop" : "accept";
    const rules = `
      table ip nat {
        chain post { type nat hook postrouting priority srcnat; oifname "out" ${hide}; }
      }
      table inet filter {
        chain strangers { type filter hook input priority filter; iifname "out" ct state new ${strangers}; }
        chain pass {
          type filter hook forward priority filter;
          ct status dnat accept
          meta nfproto ipv4 iifname "out" ct state new drop
        }
      }`;
    this.#spaces.nft(`${side}nat`, kind === "none" ? "" : rules);
  }

  #settle(host: Site): void {
    const spaces = this.#spaces;
    const { isOneSite = false } = this.#options;
    const isGuest = host === "provider" && isOneSite;
    const place = host === "relay" ? 0 : this.#place[host];
    const site = isGuest ? "client" : host;
    const number = SITES[site];
    const box = `${site}nat`;
    const device = isGuest ? "in2" : "in";
    if (this.#versions.includes(4)) {
      const isPublic =
        host === "relay" || this.#options[site === "relay" ? "client" : site] === "none";
      const net = isPublic ? `9.${number}.1` : `192.168.${number + (isGuest ? 10 : 0)}`;
      const last = place === 0 ? [1, 2] : [129, 130];
      this.#replace(box, device, `${net}.${last[0]}/25`);
      spaces.address(host, "eth0", `${net}.${last[1]}/25`);
      spaces.route(host, "default", `${net}.${last[0]}`);
    }
    if (this.#versions.includes(6)) {
      this.#replace(box, device, `2a0a:${number}:1::1/64`);
      spaces.address(host, "eth0", `2a0a:${number}:1::${place === 0 ? 2 : 3}/64`);
      spaces.route(host, "default", `2a0a:${number}:1::1`);
    }
  }

  #replace(box: string, device: string, address: string): void {
    const more = address.includes(":") ? ["nodad"] : [];
    this.#spaces.exec(box, "ip", "address", "replace", address, "dev", device, ...more);
  }
}
