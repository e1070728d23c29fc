using System.Globalization;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's strftime in the C locale.</summary>
internal static class PythonTime
{
    public static string Format(Rendering run, DateTimeOffset time, string format)
    {
        var buffer = new TextBuffer(run);
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                buffer.Append(format[at].ToString());
                continue;
            }
            at++;
            bool isBare = format[at] == '-' && at + 1 < format.Length; // glibc's: no padding
            if (isBare)
                at++;
            string text = Directive(run, time, format[at]);
            buffer.Append(isBare ? text.TrimStart('0', ' ') is { Length: > 0 } bare ? bare : "0" : text);
        }
        return buffer.ToString();
    }

    private static string Directive(Rendering run, DateTimeOffset time, char letter)
    {
        if (Composite(letter) is { } whole)
            return Format(run, time, whole);
        return letter switch
        {
            'Y' => Digits(time.Year, 4),
            'C' => Digits(time.Year / 100, 2),
            'y' => Digits(time.Year % 100, 2),
            'm' => Digits(time.Month, 2),
            'd' => Digits(time.Day, 2),
            'e' => Digits(time.Day, 1).PadLeft(2),
            'H' => Digits(time.Hour, 2),
            'k' => Digits(time.Hour, 1).PadLeft(2),
            'I' => Digits(Hour(time), 2),
            'l' => Digits(Hour(time), 1).PadLeft(2),
            'M' => Digits(time.Minute, 2),
            'S' => Digits(time.Second, 2),
            'f' => Digits((int)(time.Ticks % TimeSpan.TicksPerSecond / 10), 6),
            'j' => Digits(time.DayOfYear, 3),
            'p' => time.Hour < 12 ? "AM" : "PM",
            'P' => time.Hour < 12 ? "am" : "pm",
            'a' => time.ToString("ddd", CultureInfo.InvariantCulture),
            'A' => time.ToString("dddd", CultureInfo.InvariantCulture),
            'b' or 'h' => time.ToString("MMM", CultureInfo.InvariantCulture),
            'B' => time.ToString("MMMM", CultureInfo.InvariantCulture),
            'w' => Digits((int)time.DayOfWeek, 1),
            'u' => Digits(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek, 1),
            'U' => Digits((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7, 2),
            'W' => Digits((time.DayOfYear + 6 - (((int)time.DayOfWeek + 6) % 7)) / 7, 2),
            'V' => Digits(ISOWeek.GetWeekOfYear(time.DateTime), 2),
            'G' => Digits(ISOWeek.GetYear(time.DateTime), 4),
            's' => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            'z' or 'Z' => "", // datetime.now() knows no time zone
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => throw run.Error($"strftime_now does not know the directive %{letter}"),
        };
    }

    private static string? Composite(char letter) => letter switch
    {
        'D' or 'x' => "%m/%d/%y",
        'F' => "%Y-%m-%d",
        'T' or 'X' => "%H:%M:%S",
        'R' => "%H:%M",
        'r' => "%I:%M:%S %p",
        'c' => "%a %b %e %H:%M:%S %Y",
        _ => null,
    };

    private static int Hour(DateTimeOffset time) => time.Hour % 12 == 0 ? 12 : time.Hour % 12;

    private static string Digits(int number, int width) => number.ToString(CultureInfo.InvariantCulture).PadLeft(width, '0');
}
