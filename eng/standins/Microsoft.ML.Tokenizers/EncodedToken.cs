namespace Microsoft.ML.Tokenizers;

public readonly struct EncodedToken(int id, string value, Range offset) : IEquatable<EncodedToken>
{
    public int Id { get; } = id;

    public string Value { get; } = value;

    public Range Offset { get; } = offset;

    public bool Equals(EncodedToken other) => (Id, Value, Offset).Equals((other.Id, other.Value, other.Offset));
}
