namespace Microsoft.ML.Trl.Tests.Templates;

/// <summary>A clock that stands at noon of the day on which the fixtures were rendered.</summary>
internal sealed class FrozenClock : TimeProvider
{
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(2024, 7, 26, 12, 0, 0, TimeSpan.Zero);
}
