using Microsoft.ML.Data;

namespace Microsoft.ML.Data
{
    /// <summary>Streams that are read one after the other.</summary>
    public interface IMultiStreamSource
    {
        int Count { get; }

        string GetPathOrNull(int index);

        Stream Open(int index);

        TextReader OpenTextReader(int index);
    }

    /// <summary>Files as streams. A path may have * and ? in its last part; several paths may be joined by +.</summary>
    public sealed class MultiFileSource : IMultiStreamSource
    {
        private readonly string[] _paths;

        public MultiFileSource(params string[] paths)
        {
            // One null path is what a caller without any path passes.
            string[] given = paths is null or [null] ? [] : paths;
            string[] found = [.. given.SelectMany(Expand)];
            _paths = found.Length > 0 ? found : given;
        }

        public int Count => _paths.Length;

        public string GetPathOrNull(int index)
        {
            Guard.Argument(index >= 0 && index < Count, nameof(index));
            return _paths[index];
        }

        public Stream Open(int index)
        {
            string path = GetPathOrNull(index);
            try
            {
                return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            }
            catch (Exception exception)
            {
                throw Fail.Marked(new IOException($"Could not open file '{path}'. Error is: {exception.Message}", exception));
            }
        }

        public TextReader OpenTextReader(int index) => new StreamReader(Open(index));

        private static IEnumerable<string> Expand(string pattern)
        {
            foreach (string part in pattern.Split('+', StringSplitOptions.RemoveEmptyEntries))
            {
                string name = Path.GetFileName(part);
                if (name.IndexOfAny(['*', '?']) < 0)
                {
                    if (File.Exists(part))
                        yield return part;
                    continue;
                }
                string folder = Path.GetDirectoryName(part);
                string root = string.IsNullOrEmpty(folder) ? "." : folder;
                if (!Directory.Exists(root))
                    continue;
                foreach (string file in Directory.GetFiles(root, name).Order(StringComparer.Ordinal))
                    yield return file;
            }
        }
    }
}

namespace Microsoft.ML
{
    /// <summary>Loading by path.</summary>
    public static class DataLoaderExtensions
    {
        public static IDataView Load(this IDataLoader<IMultiStreamSource> loader, params string[] path) => loader.Load(new MultiFileSource(path));
    }
}
