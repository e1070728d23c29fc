using System.Globalization;

namespace Microsoft.ML.Data;

/// <summary>Values as text in files: every number can be read back, a missing one is a question mark.</summary>
internal static class TextWriting
{
    public static string Of<T>(T value) => value switch
    {
        float number => float.IsNaN(number) ? "?" : number.ToString("R", CultureInfo.InvariantCulture),
        double number => double.IsNaN(number) ? "?" : number.ToString("G17", CultureInfo.InvariantCulture),
        bool flag => flag ? "1" : "0",
        TimeSpan span => span.ToString("c"),
        DateTime time => time.ToString("o", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString("o", CultureInfo.InvariantCulture),
        DataViewRowId id => OfId(id),
        _ => value.ToString(),
    };

    /// <summary>Keys are written from 0; the missing key is empty.</summary>
    public static string OfKey<T>(T value, ulong count)
    {
        ulong key = Convert.ToUInt64(value);
        return key == 0 || key > count ? "" : (key - 1).ToString(CultureInfo.InvariantCulture);
    }

    public static string Of<T>(T value, DataViewType type) => type is KeyDataViewType key ? OfKey(value, key.Count) : Of(value);

    public static string OfId(DataViewRowId id) => $"0x{id.High:x16}{id.Low:x16}";
}
