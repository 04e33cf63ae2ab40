export default function Page() {
  return <h1>money</h1>;
}
