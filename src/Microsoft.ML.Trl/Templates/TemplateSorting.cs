namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's sorted: stable, by nothing but "less than".</summary>
internal static class TemplateSorting
{
    /// <exception cref="ChatTemplateException">There is no order between two keys.</exception>
    public static List<T> Sort<T>(Rendering run, IEnumerable<T> items, Func<T, object> key, bool isReversed = false)
    {
        (T Item, object Key)[] keyed = [.. items.Select(item => (item, key(item)))];
        var other = new (T, object)[keyed.Length];
        for (int width = 1; width < keyed.Length; width *= 2)
        {
            for (int start = 0; start < keyed.Length; start += 2 * width)
                Merge(run, keyed, other, start, width, isReversed);
            (keyed, other) = (other, keyed);
        }
        return [.. keyed.Select(pair => pair.Item)];
    }

    private static void Merge<T>(Rendering run, (T, object Key)[] from, (T, object)[] to, int start, int width, bool isReversed)
    {
        int left = start, middle = Math.Min(start + width, from.Length), right = middle, end = Math.Min(start + (2 * width), from.Length);
        for (int at = start; at < end; at++)
        {
            run.Step();
            bool isRight = left == middle || (right < end && (isReversed
                ? PythonOperators.IsLess(run, from[left].Key, from[right].Key)
                : PythonOperators.IsLess(run, from[right].Key, from[left].Key)));
            to[at] = isRight ? from[right++] : from[left++];
        }
    }
}
