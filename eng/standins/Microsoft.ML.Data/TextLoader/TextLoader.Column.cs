using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public sealed partial class TextLoader
{
    /// <summary>A column and the fields of a line that it is made of.</summary>
    public sealed class Column
    {
        public string Name;
        public Range[] Source;
        public KeyCount KeyCount;

        public Column()
        {
        }

        public Column(string name, DataKind dataKind, int index)
            : this(name, dataKind, [new Range(index)])
        {
        }

        public Column(string name, DataKind dataKind, int minIndex, int maxIndex)
            : this(name, dataKind, [new Range(minIndex, maxIndex)])
        {
        }

        public Column(string name, DataKind dataKind, Range[] source, KeyCount keyCount = null)
        {
            Guard.NotNull(name, nameof(name));
            Guard.NotNull(source, nameof(source));
            Name = name;
            DataKind = dataKind;
            Source = source;
            KeyCount = keyCount;
        }

        public DataKind DataKind { get; set; } = DataKind.Single;

        internal PrimitiveDataViewType ItemType
        {
            get
            {
                PrimitiveDataViewType raw = BuiltInTypes.Of(DataKind);
                return KeyCount is null ? raw : new KeyDataViewType(raw.RawType, KeyCount.Count ?? Conversions.LargestKey(raw.RawType));
            }
        }

        /// <summary>The columns that the members of a class name.</summary>
        internal static Column[] Of(Type type, IHostEnvironment env)
        {
            const BindingFlags Visible = BindingFlags.Public | BindingFlags.Instance;
            IEnumerable<MemberInfo> properties = type.GetProperties(Visible).Where(property => property.GetGetMethod() is not null && property.GetIndexParameters().Length == 0);
            MemberInfo[] members = [.. type.GetFields(Visible), .. properties];
            Guard.Argument(members.Length > 0, "TInput", "Should define at least one public, readable field or property in TInput.", env);
            return [.. members.Select(member => Of(member, env))];
        }

        private static Column Of(MemberInfo member, IHostEnvironment env)
        {
            string role = member is FieldInfo ? "Field" : "Property";
            LoadColumnAttribute place = member.GetCustomAttribute<LoadColumnAttribute>()
                ?? throw Fail.State($"{role} '{member.Name}' is missing the {nameof(LoadColumnAttribute)} attribute", context: env);
            Type type = MemberTypes.ValueTypeOf(member);
            DataKind? kind = TextKinds.OrNull(type.IsArray ? type.GetElementType() : type);
            Guard.That(kind is not null, $"{role} {member.Name} is of unsupported type.");
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            return new Column(name, kind.Value, place.Sources, member.GetCustomAttribute<KeyTypeAttribute>()?.KeyCount);
        }
    }

    /// <summary>Fields of a line: from one to another, to the end of the line, or all that no other column has.</summary>
    public sealed class Range
    {
        public int Min;
        public int? Max;
        public bool AutoEnd;
        public bool VariableEnd;
        public bool AllOther;
        public bool ForceVector;

        public Range()
        {
        }

        public Range(int index)
        {
            Guard.Argument(index >= 0, nameof(index), "Must be non-negative");
            Min = index;
            Max = index;
        }

        public Range(int min, int? max)
        {
            Guard.Argument(min >= 0, nameof(min), "Must be non-negative");
            Guard.Argument(!(max < min), nameof(max), "If specified, must be greater than or equal to min");
            Min = min;
            Max = max;
            ForceVector = true;
            AutoEnd = max is null;
        }
    }

    /// <summary>How lines are read.</summary>
    public class Options
    {
        public bool AllowQuoting;
        public bool AllowSparse;
        public int? InputSize;
        public char[] Separators = ['\t'];
        public char DecimalMarker = '.';
        public Column[] Columns;
        public bool TrimWhitespace;
        public bool HasHeader;
        public bool UseThreads = true;
        public bool ReadMultilines;
        public string HeaderFile;
        public long? MaxRows;
        public char EscapeChar = '"';
        public bool MissingRealsAsNaNs;
    }
}
