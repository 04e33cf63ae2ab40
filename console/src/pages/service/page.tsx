export default function ServicePage({ number }: { number: bigint }) {
  return <h1>Service {number.toString()}</h1>;
}
