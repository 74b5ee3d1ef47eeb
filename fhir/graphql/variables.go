package graphql

import (
	"selda/fault"
	"selda/fhir"
)

// given reads the variables. https://spec.graphql.org/June2018/#sec-Language.Variables
func (x *execution) given(o *operation) error {
	for _, v := range o.variables {
		n := x.r.Variables.Member(v.name)
		switch {
		case n.Exists():
			x.variables[v.name] = valueOf(n)
		case v.value != nil:
			x.variables[v.name] = *v.value
		case v.required:
			return fault.E("graphql.Execute", fault.Required, "a variable that is required has no value", v.name)
		default:
			x.variables[v.name] = value{kind: nullValue}
		}
	}
	return nil
}

// valueOf is a variable's value.
func valueOf(n fhir.Node) value {
	switch {
	case n.IsBool():
		return value{kind: booleanValue, text: n.Text()}
	case n.IsNumber():
		return value{kind: numberValue, text: n.Text()}
	case n.IsString():
		return value{kind: stringValue, text: n.Text()}
	case n.IsObject():
		return value{kind: objectValue}
	case n.IsNull():
		return value{kind: nullValue}
	}
	v := value{kind: listValue}
	for c := n.Children(); c.Next(); {
		v.list = append(v.list, valueOf(c.Node()))
	}
	return v
}

// know gives a value, and that of a variable where it names one.
func (x *execution) know(v value) (value, error) {
	if v.kind != variableValue {
		return v, nil
	}
	known, ok := x.variables[v.text]
	if !ok {
		return v, fault.E("graphql.Execute", fault.Value, "the operation declares no variable of this name", "$"+v.text)
	}
	return known, nil
}

// texts are an argument's values as text.
func (x *execution) texts(v value) ([]string, error) {
	v, err := x.know(v)
	if err != nil {
		return nil, err
	}
	switch v.kind {
	case nullValue:
		return nil, nil
	case objectValue:
		return nil, fault.E("graphql.Execute", fault.Value, "an argument is a single value, or a list of them")
	case listValue:
		var out []string
		for _, one := range v.list {
			t, err := x.texts(one)
			if err != nil {
				return nil, err
			}
			out = append(out, t...)
		}
		return out, nil
	}
	return []string{v.text}, nil
}

// argument is the first value of an argument as text; "" where there is none.
func (x *execution) argument(list []argument, name string) (string, error) {
	for _, a := range list {
		if a.name == name {
			t, err := x.texts(a.value)
			if err != nil || len(t) == 0 {
				return "", err
			}
			return t[0], nil
		}
	}
	return "", nil
}
