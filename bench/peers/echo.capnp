@0xd3a5b1c29e8f4c07;

interface Echo {
  echo @0 (data :Data) -> (data :Data);
  noOp @1 (number :Int32) -> (number :Int32);
  size @2 (values :List(Float64)) -> (size :UInt64);
}
