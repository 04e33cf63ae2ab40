/** A command that sets a value of the kernel; the program sysctl is not in the path of every user. */
export function setting(name: string, value: 0 | 1): [string, ...string[]] {
  return ["sh", "-c", `echo ${value} > /proc/sys/${name.replaceAll(".", "/")}`];
}
